using System.Diagnostics;
using CComet.Simulator.Checks;
using CComet.Simulator.Clients;
using CComet.Simulator.Figures;
using CComet.Simulator.Wire;

namespace CComet.Simulator.Scenarios;

/// <summary>A run under way: its server, its subscribers and publishers, and what it has found.</summary>
internal sealed class Run : IDisposable
{
    private readonly Lazy<PublisherPool> _publishers;
    private readonly CancellationToken _cancel;
    private int _nextChannel = -1;

    public Run(Settings settings, Target target, CancellationToken cancel)
    {
        Settings = settings;
        Target = target;
        _cancel = cancel;
        Shared = new SubscriberShared(target, settings.Transport, new PromiseTally(), new LineTally(), new Meter());
        Crowd = new Crowd(Shared);
        Sampler = new Sampler(Shared.Meter, Shared, settings.ServerPid);
        Random = new Random(settings.Seed);
        _publishers = new Lazy<PublisherPool>(() => new PublisherPool(settings.Publishers, target, settings.Size, Shared.Meter, Shared.Lines));

        // Names that no run before has used: each run begins with new logs, at seqid 0.
        var run = Guid.NewGuid().ToString("N")[..8];
        Channels = [.. Enumerable.Range(0, settings.Channels).Select(i => new ChannelBook($"sim-{run}-{i}"))];
    }

    public Settings Settings { get; }

    public Target Target { get; }

    public SubscriberShared Shared { get; }

    public Crowd Crowd { get; }

    public Sampler Sampler { get; }

    /// <summary>Decides all that is random; for one thread.</summary>
    public Random Random { get; }

    public IReadOnlyList<ChannelBook> Channels { get; }

    public PublisherPool Publishers => _publishers.Value;

    public CancellationToken Cancel => _cancel;

    /// <summary>What it is doing, in a word or two.</summary>
    public string Phase { get; private set; } = "starting";

    public TimeSpan? ParkTime { get; private set; }

    public TimeSpan MeasuredTime { get; private set; }

    /// <summary>The server and this tool at the beginning and at the end of the measured part.</summary>
    public (ProcessReading? Server, OwnReading Own) Before { get; private set; }

    public (ProcessReading? Server, OwnReading Own) After { get; private set; }

    /// <summary>What only this scenario tells.</summary>
    public Dictionary<string, double> Findings { get; } = [];

    /// <summary>The next channel, in turn; from any thread.</summary>
    public ChannelBook NextChannel() => Channels[(int)((uint)Interlocked.Increment(ref _nextChannel) % (uint)Channels.Count)];

    /// <summary>Any channel.</summary>
    public ChannelBook RandomChannel() => Channels[Random.Next(Channels.Count)];

    /// <summary>Lets all subscribers in, spread evenly over the channels.</summary>
    public async Task ParkAsync()
    {
        Phase = "parking";
        ParkTime = await Crowd.ParkAsync([.. Enumerable.Range(0, Settings.Subscribers).Select(i => Channels[i % Channels.Count])], Cancel);
    }

    /// <summary>One untimed message to every channel, to all of its subscribers: after that each of them has truly followed.</summary>
    public async Task WarmUpAsync()
    {
        Phase = "warming up";
        await Publishers.OnceEachAsync(Channels, Cancel);
        await DrainAsync();
    }

    /// <summary>The part of the run whose figures count; ends when all has arrived.</summary>
    public async Task MeasureAsync(string phase, Func<Task> part)
    {
        Phase = phase;
        Shared.Meter.Reset();
        var began = Stopwatch.GetTimestamp();
        Before = (ReadServer(), OwnReading.Now());
        Sampler.IsMeasuring = true;
        await part();
        await DrainAsync();
        MeasuredTime = Stopwatch.GetElapsedTime(began);
        Sampler.IsMeasuring = false;
        After = (ReadServer(), OwnReading.Now());
        Cancel.ThrowIfCancellationRequested();
    }

    public ProcessReading? ReadServer() => Settings.ServerPid is { } pid ? ProcessReading.Read(pid) : null;

    /// <summary>Ends all connections, and calls lost what has not come.</summary>
    public async Task FinishAsync()
    {
        Phase = "finishing";
        await Crowd.FinishAsync();
        if (_publishers.IsValueCreated) await Publishers.StopAsync();
    }

    public void Dispose()
    {
        if (_publishers.IsValueCreated) Publishers.Dispose();
        Crowd.Dispose();
        Shared.Meter.Dispose();
    }

    /// <summary>Waits until every publish is answered, and every subscriber has all of them, or nothing has come for <c>--drain</c>.</summary>
    private async Task DrainAsync()
    {
        await Publishers.AnsweredAsync(Settings.Drain);
        await Crowd.CaughtUpAsync(Settings.Drain);
    }
}
