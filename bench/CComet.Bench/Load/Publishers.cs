namespace CComet.Bench.Load;

/// <summary>Publishes on some connections from one thread, by the clock or as fast as it is let.</summary>
internal sealed class Publishers : IDisposable
{
    private const int BufferBytes = 64 << 10;

    private readonly int _poll = Native.CreatePoll();
    private readonly Publishing[] _connections;
    private readonly Func<int, string, byte[]> _request;
    private readonly byte[] _buffer = new byte[BufferBytes];
    private readonly byte[] _events;
    private readonly int _channels;
    private readonly bool _inOrder;
    private readonly int[] _numbers;
    private readonly Queue<Publishing> _free;
    private long _sent;

    /// <param name="port">The server's.</param>
    /// <param name="connections">How many connections.</param>
    /// <param name="channels">How many channels take turns.</param>
    /// <param name="request">The request that publishes a text in the channel of a number.</param>
    /// <param name="inOrder">Whether a message waits until the one before it in its channel was answered: else one connection may overtake another.</param>
    public Publishers(int port, int connections, int channels, Func<int, string, byte[]> request, bool inOrder = false)
    {
        (_request, _channels, _inOrder, _numbers) = (request, channels, inOrder, new int[channels]);
        _events = new byte[connections * Native.EventBytes];
        _connections = [.. Enumerable.Range(0, connections).Select(_ => new Publishing())];
        _free = new Queue<Publishing>(_connections);
        for (var i = 0; i < connections; i++)
        {
            _connections[i].Start(port);
            Native.Watch(_poll, _connections[i].Descriptor, i);
        }
    }

    /// <summary>Publishes at a rate; a message that must wait for a connection is as late as it is.</summary>
    public Task<int> AtRateAsync(double perSecond, TimeSpan duration) => OnThread(() =>
    {
        var count = (int)(perSecond * duration.TotalSeconds);
        var began = Mark.Now;
        for (var i = 0; i < count; i++)
        {
            var due = began + (long)(i * 1e6 / perSecond);
            while (Mark.Now < due) Read(due - Mark.Now);
            Publish(due);
        }

        AwaitAnswers();
        return count;
    });

    /// <summary>Publishes on all connections as fast as they are answered, and only while allowed.</summary>
    public Task<int> AtOnceAsync(TimeSpan duration, Func<long, bool>? mayPublish = null) => OnThread(() =>
    {
        var count = 0;
        for (var end = Mark.Now + (long)duration.TotalMicroseconds; Mark.Now < end;)
        {
            if (mayPublish is not null && !mayPublish(_sent))
            {
                Read(50);
                continue;
            }

            Publish(Mark.Now);
            count++;
        }

        AwaitAnswers();
        return count;
    });

    public void Dispose()
    {
        Array.ForEach(_connections, connection => connection.Dispose());
        Native.ClosePoll(_poll);
    }

    private void Publish(long due)
    {
        var channel = (int)(_sent++ % _channels);
        while (_free.Count == 0 || MustWait(channel)) Read(1_000_000);
        _free.Dequeue().Publish(channel, _request(channel, Mark.Message(due, _numbers[channel]++)));
    }

    private bool MustWait(int channel) => _inOrder && _connections.Any(connection => !connection.IsFree && connection.Channel == channel);

    private void AwaitAnswers()
    {
        while (_free.Count < _connections.Length) Read(1_000_000);
    }

    private void Read(long micros)
    {
        var count = Native.Wait(_poll, _events, Math.Max(0, micros) * 1000);
        for (var i = 0; i < count; i++)
        {
            var connection = _connections[BitConverter.ToInt32(_events, (i * Native.EventBytes) + Native.DataAt)];
            var received = Native.Receive(connection.Descriptor, _buffer);
            if (received == 0) throw new InvalidOperationException("The server has ended a publisher's connection.");
            if (received < 0) continue;
            connection.Receive(_buffer.AsSpan(0, received));
            if (connection.IsFree) _free.Enqueue(connection);
        }
    }

    private static Task<int> OnThread(Func<int> work) => Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
