using System.Collections.Concurrent;

namespace CComet.Bench.Load;

/// <summary>A thread with some thousand connections.</summary>
internal sealed class Lane : IDisposable
{
    /// <summary>As many connections may have asked and not been answered while others are begun: fewer than fit into a listener's backlog.</summary>
    private const int MaxPending = 100;

    private const int BufferBytes = 64 << 10;
    private const int MaxEvents = 512;
    private const long Patience = 50_000_000;

    private readonly int _poll = Native.CreatePoll();
    private readonly List<Connection> _connections = [];
    private readonly ConcurrentQueue<Connection> _starting = new();
    private readonly Thread _thread;
    private readonly int _port;
    private readonly long _between;
    private volatile bool _ending;
    private int _ready;
    private int _started;

    /// <summary>Begins connections one after the other.</summary>
    /// <param name="port">The server's.</param>
    /// <param name="connections">The connections.</param>
    /// <param name="between">Where the answer does not tell when one waits: microseconds between two; 0 where it does.</param>
    public Lane(int port, IEnumerable<Connection> connections, long between)
    {
        _port = port;
        _between = between;
        foreach (var connection in connections) _starting.Enqueue(connection);
        _thread = new Thread(Run) { IsBackground = true, Name = "lane" };
        _thread.Start();
    }

    /// <summary>How many have asked.</summary>
    public int Started => Volatile.Read(ref _started);

    /// <summary>How many wait, as far as they know.</summary>
    public int Ready => Volatile.Read(ref _ready);

    /// <summary>What broke it.</summary>
    public Exception? Failure { get; private set; }

    public void Dispose()
    {
        _ending = true;
        _thread.Join();
        foreach (var connection in _connections) connection.Dispose();
        Native.ClosePoll(_poll);
    }

    private void Run()
    {
        try
        {
            var buffer = new byte[BufferBytes];
            var events = new byte[MaxEvents * Native.EventBytes];
            var next = Mark.Now;
            while (!_ending)
            {
                var patience = Patience;
                while (!_starting.IsEmpty)
                {
                    patience = 0;
                    if (_between > 0 ? Mark.Now < next : _connections.Count - _ready >= MaxPending) break;
                    next += _between;
                    Begin();
                }

                var count = Native.Wait(_poll, events, patience);
                for (var i = 0; i < count; i++) Read(_connections[BitConverter.ToInt32(events, (i * Native.EventBytes) + Native.DataAt)], buffer);
            }
        }
        catch (Exception e)
        {
            Failure = e;
        }
    }

    private void Begin()
    {
        if (!_starting.TryDequeue(out var connection)) return;
        connection.Start(_port);
        Native.Watch(_poll, connection.Descriptor, _connections.Count);
        _connections.Add(connection);
        Volatile.Write(ref _started, _connections.Count);
    }

    private void Read(Connection connection, byte[] buffer)
    {
        var count = Native.Receive(connection.Descriptor, buffer);
        if (count < 0) return;
        var wasReady = connection.IsReady;
        if (count == 0) throw new InvalidOperationException("The server has ended a connection.");
        connection.Receive(buffer.AsSpan(0, count));
        if (connection.IsReady && !wasReady) Volatile.Write(ref _ready, _ready + 1);
    }
}
