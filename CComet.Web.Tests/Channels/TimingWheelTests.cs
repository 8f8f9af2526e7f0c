using CComet.Channels;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Channels;

public sealed class TimingWheelTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Entry_is_due_never_early_and_at_most_two_ticks_late()
    {
        using var wheel = new TimingWheel(_time);
        for (var ms = 1; ms < 120_000; ms += 977)
        {
            var entry = new Entry();
            var delay = TimeSpan.FromMilliseconds(ms);
            wheel.Add(entry, delay);
            _time.Advance(delay - TimeSpan.FromTicks(1));
            Assert.False(entry.IsDue, $"{ms} ms came early");
            _time.Advance(2 * TimingWheel.Tick + TimeSpan.FromTicks(1));
            Assert.True(entry.IsDue, $"{ms} ms did not come");
        }
    }

    [Fact]
    public void Removed_entry_is_never_called_and_leaves_nothing()
    {
        using var wheel = new TimingWheel(_time);
        var removed = new Entry();
        var kept = new Entry();
        wheel.Add(removed, TimeSpan.FromSeconds(1));
        wheel.Add(kept, TimeSpan.FromSeconds(1));
        wheel.Remove(removed);
        wheel.Remove(removed);
        Assert.Equal(1, wheel.Count);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(removed.IsDue);
        Assert.True(kept.IsDue);
        Assert.Equal(0, wheel.Count);
    }

    [Fact]
    public void Clock_that_jumps_past_a_whole_turn_drops_no_entry()
    {
        using var wheel = new TimingWheel(_time);
        var entries = Enumerable.Range(1, 500).Select(_ => new Entry()).ToList();
        for (var i = 0; i < entries.Count; i++) wheel.Add(entries[i], TimeSpan.FromSeconds(i));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.All(entries, e => Assert.True(e.IsDue));
        Assert.Equal(0, wheel.Count);
    }

    [Fact]
    public void Entry_may_wait_again_after_it_was_due()
    {
        using var wheel = new TimingWheel(_time);
        var entry = new Entry();
        for (var turn = 0; turn < 3; turn++)
        {
            wheel.Add(entry, TimeSpan.FromSeconds(1));
            Assert.Throws<InvalidOperationException>(() => wheel.Add(entry, TimeSpan.FromSeconds(1)));
            _time.Advance(TimeSpan.FromSeconds(2));
            Assert.True(entry.IsDue);
            entry.IsDue = false;
        }
    }

    [Fact]
    public async Task Delay_ends_when_it_is_cancelled()
    {
        using var wheel = new TimingWheel(_time);
        using var cancelled = new CancellationTokenSource();
        var delay = wheel.DelayAsync(TimeSpan.FromSeconds(1), cancelled.Token);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => delay);
        Assert.Equal(0, wheel.Count);
    }

    private sealed class Entry : TimingWheel.Entry
    {
        public bool IsDue { get; set; }

        protected internal override void OnDue() => IsDue = true;
    }
}
