using System.Collections.Concurrent;
using System.Diagnostics;
using CComet.Simulator.Checks;
using CComet.Simulator.Figures;
using CComet.Simulator.Wire;

namespace CComet.Simulator.Clients;

/// <summary>The connections that publish: those that are free, and the schedules by which they are used.</summary>
internal sealed class PublisherPool : IDisposable
{
    private readonly BlockingCollection<Publisher> _free = new(new ConcurrentStack<Publisher>());
    private readonly List<Publisher> _all = [];
    private readonly List<Task> _running = [];
    private readonly CancellationTokenSource _ended = new();
    private readonly Meter _meter;
    private volatile Func<ChannelBook>? _closedLoop;

    /// <param name="count">How many connections.</param>
    /// <param name="target">The server.</param>
    /// <param name="size">The bytes of a message's text.</param>
    /// <param name="meter">Takes the times.</param>
    /// <param name="lines">Counts what goes wrong.</param>
    public PublisherPool(int count, Target target, int size, Meter meter, LineTally lines)
    {
        _meter = meter;
        for (var i = 0; i < count; i++)
        {
            var publisher = new Publisher(target, Math.Max(0, size - 21), meter, lines, Freed);
            _all.Add(publisher);
            _running.Add(publisher.RunAsync(_ended.Token));
        }
    }

    /// <summary>Publishes one message to each channel, untimed, as fast as the connections allow.</summary>
    public Task OnceEachAsync(IEnumerable<ChannelBook> channels, CancellationToken cancel) => OnThread(() =>
    {
        foreach (var channel in channels) _free.Take(cancel).Send(channel, 0);
    });

    /// <summary>
    /// Publishes at a rate. The schedule is fixed beforehand, and each message bears the time at which it was to be sent: when the
    /// server or this tool falls behind, the wait counts as latency and is not left out.
    /// </summary>
    /// <param name="rate">Messages a second.</param>
    /// <param name="duration">How long; the number of messages follows from it.</param>
    /// <param name="next">Gives the channel of the next message.</param>
    /// <param name="cancel">Ends it early.</param>
    public Task AtRateAsync(double rate, TimeSpan duration, Func<ChannelBook> next, CancellationToken cancel) => OnThread(() =>
    {
        var began = Stopwatch.GetTimestamp();
        var count = (long)Math.Max(1, rate * duration.TotalSeconds);
        var ticksPerMessage = Stopwatch.Frequency / rate;
        for (var i = 0L; i < count && !cancel.IsCancellationRequested; i++)
        {
            var due = began + (long)(i * ticksPerMessage);
            Alarm.WaitUntil(due, cancel);
            if (cancel.IsCancellationRequested) return;
            _free.Take(cancel).Send(next(), due);
        }
    });

    /// <summary>Every connection publishes the next message as soon as it has the receipt of the last, for the time given.</summary>
    public async Task ClosedLoopAsync(TimeSpan duration, Func<ChannelBook> next, CancellationToken cancel)
    {
        _closedLoop = next;
        while (_free.TryTake(out var publisher)) publisher.Send(next(), Stopwatch.GetTimestamp());
        await Task.Delay(duration, cancel).ContinueWith(static _ => { }, TaskScheduler.Default);
        _closedLoop = null;
    }

    /// <summary>Waits until every connection is there and free; false once none has come for the time given.</summary>
    public Task<bool> ConnectedAsync(TimeSpan standstill) => Waiting.WhileProgressAsync(() => _free.Count == _all.Count, () => _free.Count, standstill);

    /// <summary>Waits until no receipt is outstanding; false once none has come for the time given.</summary>
    public Task<bool> AnsweredAsync(TimeSpan standstill) => Waiting.WhileProgressAsync(() => _meter.UnderWay == 0, () => _meter.UnderWay, standstill);

    public async Task StopAsync()
    {
        await _ended.CancelAsync();
        foreach (var publisher in _all) publisher.Stop();
        await Task.WhenAll(_running);
    }

    public void Dispose()
    {
        _free.Dispose();
        _ended.Dispose();
    }

    private static Task OnThread(Action work) => Task.Factory.StartNew(
        () =>
        {
            try
            {
                work();
            }
            catch (OperationCanceledException)
            {
                // The run was broken off.
            }
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);

    private void Freed(Publisher publisher)
    {
        if (_closedLoop is { } next) publisher.Send(next(), Stopwatch.GetTimestamp());
        else _free.Add(publisher);
    }
}
