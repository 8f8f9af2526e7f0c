using BenchmarkDotNet.Attributes;
using CComet.Messages;
using CComet.Subscriptions;

namespace CComet.Microbenchmarks;

/// <summary>Measures one publish to a channel with parked streams, from the operation until the last sink has been written to.</summary>
/// <remarks>
/// The sinks only count: one interlocked operation for each delivery. Up to four are written to by the publishing thread; more by
/// the thread pool, as many threads as there are cores.
/// </remarks>
[MemoryDiagnoser]
public class FanOutBenchmarks : IDisposable
{
    private readonly BenchmarkHub _hub = new();
    private readonly CountingSink _sink = new();
    private readonly List<Subscriber> _subscribers = [];

    /// <summary>How many streams the channel has.</summary>
    [Params(1, 100, 10_000)]
    public int Sinks { get; set; }

    /// <summary>Fills the channel and parks the streams.</summary>
    [GlobalSetup]
    public async Task SetupAsync()
    {
        await _hub.FillAsync();
        for (var i = 0; i < Sinks; i++)
        {
            var subscriber = await _hub.SubscribeAsync();
            subscriber.Sink = _sink;
            await subscriber.ReadAsync(park: true);
            _ = subscriber.WaitAsync(BenchmarkHub.Wait).AsTask();
            _subscribers.Add(subscriber);
        }
    }

    /// <summary>Publishes one message and waits until it has been delivered to every stream.</summary>
    [Benchmark]
    public IReadOnlyList<Receipt> Publish()
    {
        _sink.Expect(Sinks);
        var publishing = _hub.PublishAsync();

        // The memory store appends on this thread.
        if (!publishing.IsCompletedSuccessfully) throw new InvalidOperationException("The publish is not complete.");
        _sink.Wait();
        return publishing.Result;
    }

    /// <summary>Ends the subscribers and the hub.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        foreach (var subscriber in _subscribers) subscriber.Dispose();
        _hub.Dispose();
        _sink.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Counts the deliveries of all streams.</summary>
    /// <remarks>A <see cref="CountdownEvent"/> is not used: its wait may end before its last signal does, which would then end the next wait.</remarks>
    private sealed class CountingSink : IMessageSink, IDisposable
    {
        private readonly SemaphoreSlim _delivered = new(0);
        private int _left;

        /// <summary>Begins to count; nothing may be under way.</summary>
        public void Expect(int deliveries) => Volatile.Write(ref _left, deliveries);

        /// <summary>Waits for the last delivery.</summary>
        public void Wait() => _delivered.Wait();

        public bool TryWrite(int channelIndex, Batch batch)
        {
            if (Interlocked.Decrement(ref _left) == 0) _delivered.Release();
            return true;
        }

        public void Dispose() => _delivered.Dispose();
    }
}
