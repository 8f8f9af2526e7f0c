using BenchmarkDotNet.Attributes;
using CComet.Messages;
using CComet.Subscriptions;

namespace CComet.Microbenchmarks;

/// <summary>Measures one round of a subscriber: it reads nothing, is parked, is woken by a publish, and reads the message.</summary>
/// <remarks>
/// The subscriber continues on the thread pool, so a round includes one work item of it. Another subscriber stays parked in a channel
/// of its own, so that the timing wheel does not start and stop its timer in every round.
/// </remarks>
[MemoryDiagnoser]
public class ParkBenchmarks : IDisposable
{
    private readonly BenchmarkHub _hub = new();
    private Subscriber? _other;
    private Subscriber? _kept;
    private Cursor _cursor;

    /// <summary>Fills the channel and parks the other subscriber.</summary>
    [GlobalSetup]
    public async Task SetupAsync()
    {
        await _hub.FillAsync();
        _other = await _hub.SubscribeAsync("other");
        await _other.ReadAsync(park: true);
        _ = _other.WaitAsync(BenchmarkHub.Wait).AsTask();

        // The channel stays open between the rounds.
        _kept = await _hub.SubscribeAsync();
        await _kept.BeginAsync();
        _cursor = _kept.Cursors.Single().Cursor;
    }

    /// <summary>Runs a round of a subscriber that stays, like a stream's.</summary>
    /// <returns>The seqid behind the message.</returns>
    [Benchmark]
    public async Task<long> WakeKeptSubscriberAsync()
    {
        var reading = ReadNextAsync(_kept!);
        await _hub.PublishAsync();
        return await reading;
    }

    /// <summary>Runs a round of a subscriber that is made for it, like a long poll's.</summary>
    /// <returns>The seqid behind the message.</returns>
    [Benchmark]
    public async Task<long> WakeNewSubscriberAsync()
    {
        using var subscriber = await _hub.SubscribeAsync(from: _cursor);
        var reading = ReadNextAsync(subscriber);
        await _hub.PublishAsync();
        var end = await reading;
        _cursor = _cursor with { Seqid = end };
        return end;
    }

    /// <summary>Ends the subscribers and the hub.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _other?.Dispose();
        _kept?.Dispose();
        _hub.Dispose();
        GC.SuppressFinalize(this);
    }

    private static async Task<long> ReadNextAsync(Subscriber subscriber)
    {
        var readings = await subscriber.ReadAsync(park: true);
        if (readings.Count > 0) throw new InvalidOperationException("There was something to read.");
        await subscriber.WaitAsync(BenchmarkHub.Wait);
        return (await subscriber.ReadAsync(park: false))[0].Batch.End;
    }
}
