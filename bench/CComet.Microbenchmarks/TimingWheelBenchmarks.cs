using BenchmarkDotNet.Attributes;
using CComet.Channels;

namespace CComet.Microbenchmarks;

/// <summary>Measures the timing wheel while 100,000 entries wait on it, each for 15 s again and again, as the heartbeats of so many streams do.</summary>
[MemoryDiagnoser]
public class TimingWheelBenchmarks : IDisposable
{
    private const int Entries = 100_000;

    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(28);

    private readonly ManualTime _time = new();
    private readonly TimingWheel _wheel;
    private readonly RepeatingEntry _poll;

    /// <summary>Makes an empty wheel.</summary>
    public TimingWheelBenchmarks()
    {
        _wheel = new TimingWheel(_time);
        _poll = new RepeatingEntry(_wheel);
    }

    /// <summary>Adds the entries, spread evenly over the ticks of their delay.</summary>
    [GlobalSetup]
    public void Setup()
    {
        var ticks = Heartbeat / TimingWheel.Tick;
        for (var i = 0; i < Entries; i++)
        {
            _wheel.Add(new RepeatingEntry(_wheel), Heartbeat);
            if ((int)(i * ticks / Entries) != (int)((i + 1) * ticks / Entries)) Advance();
        }
    }

    /// <summary>Adds an entry and removes it, as for a poll that is answered before its time is over.</summary>
    [Benchmark]
    public void AddAndRemove()
    {
        _wheel.Add(_poll, Poll);
        _wheel.Remove(_poll);
    }

    /// <summary>Advances the clock by one tick (50 ms): about 332 entries are due, and are added again.</summary>
    [Benchmark]
    public void Advance() => _time.Advance(TimingWheel.Tick);

    /// <summary>Ends the wheel.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _wheel.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Waits again when it was due.</summary>
    private sealed class RepeatingEntry(TimingWheel wheel) : TimingWheel.Entry
    {
        protected internal override void OnDue() => wheel.Add(this, Heartbeat);
    }
}
