using CComet.Interop;

namespace CComet.Kestrel.Parking;

/// <summary>A thread that waits for the events of some connections, and has them handled one after another.</summary>
internal sealed class ParkingLoop : IDisposable
{
    /// <summary>Tells the events of what is no connection: their numbers are above it.</summary>
    public const ulong FirstOther = 1UL << 63;

    private const int MaxEvents = 256;
    private const ulong Stop = ulong.MaxValue;
    private const uint Watched = Sockets.Readable | Sockets.PeerClosed | Sockets.EdgeTriggered;

    private readonly int _poll = Sockets.CreatePoll();
    private readonly int _counter = Sockets.CreateCounter();
    private readonly Action<uint, ulong> _handle;
    private readonly Thread _thread;
    private volatile bool _stopped;

    /// <summary>Starts one.</summary>
    /// <param name="name">The thread's name.</param>
    /// <param name="handle">Handles an event: what it is, and the number that its descriptor is watched with. It may not throw, nor block for long.</param>
    public ParkingLoop(string name, Action<uint, ulong> handle)
    {
        _handle = handle;
        Sockets.TryWatch(_poll, _counter, Sockets.Readable, Stop);
        _thread = new Thread(Run) { Name = name, IsBackground = true };
        _thread.Start();
    }

    /// <summary>Watches a connection; false when the kernel has no memory for it. What has come already is an event.</summary>
    public bool TryWatch(int descriptor, ulong number) => Sockets.TryWatch(_poll, descriptor, Watched, number);

    /// <summary>Sets whether it is an event that the connection can be written to.</summary>
    public void WatchWrites(int descriptor, ulong number, bool isWatched) => Sockets.TryChange(_poll, descriptor, isWatched ? Watched | Sockets.Writable : Watched, number);

    /// <summary>Watches a socket that listens, for as long as connections wait to be taken.</summary>
    public bool TryWatchListener(int descriptor, ulong number) => Sockets.TryWatch(_poll, descriptor, Sockets.Readable, number);

    /// <summary>Ends watching.</summary>
    public void Unwatch(int descriptor) => Sockets.Unwatch(_poll, descriptor);

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopped = true;
        Sockets.Count(_counter);
        _thread.Join();
        Sockets.Close(_counter);
        Sockets.Close(_poll);
    }

    private void Run()
    {
        var events = Sockets.NewEvents(MaxEvents);
        while (!_stopped)
        {
            var count = Sockets.Wait(_poll, events);
            for (var i = 0; i < count && !_stopped; i++)
            {
                var (what, number) = Sockets.EventAt(events, i);
                if (number == Stop) Sockets.ResetCounter(_counter);
                else _handle(what, number);
            }
        }
    }
}
