using CComet.Kestrel.Parking;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>When slots are due.</summary>
public sealed class SlotWheelTests : IDisposable
{
    /// <summary>How late one may be: a tick in which the moment lies, one in which the time ends, and one until the timer turns.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromMilliseconds(150);

    private readonly FakeTimeProvider _time = new();
    private readonly SlotTable _slots = new();
    private readonly List<int> _due = [];
    private readonly SlotWheel _wheel;

    public SlotWheelTests() => _wheel = new SlotWheel(_slots, _time, _due.Add);

    public void Dispose() => _wheel.Dispose();

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(100, 13)]
    [InlineData(100, 49)]
    [InlineData(1_000, 1)]
    [InlineData(28_000, 37)]
    [InlineData(51_200, 0)]
    [InlineData(51_250, 49)]
    [InlineData(130_000, 25)]
    public void Slot_is_due_once_not_early_and_hardly_late(int milliseconds, int begin)
    {
        var slot = _slots.Take();
        _time.Advance(TimeSpan.FromMilliseconds(begin));
        _wheel.Set(slot, TimeSpan.FromMilliseconds(milliseconds));
        for (var left = milliseconds; left > 0; left -= Math.Min(left, 17))
        {
            _time.Advance(TimeSpan.FromMilliseconds(Math.Min(left, 17)));
            Assert.Empty(_due);
        }

        _time.Advance(Late);
        Assert.Equal([slot], _due);
        Assert.True(SlotWheel.IsDue(_slots[slot]));
        _time.Advance(TimeSpan.FromMinutes(3));
        Assert.Single(_due);
    }

    [Fact]
    public void Slot_that_is_set_again_is_due_at_the_later_time_alone()
    {
        var slot = _slots.Take();
        _wheel.Set(slot, TimeSpan.FromSeconds(1));
        _time.Advance(TimeSpan.FromSeconds(0.9));
        _wheel.Set(slot, TimeSpan.FromSeconds(1));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Empty(_due);
        Assert.False(SlotWheel.IsDue(_slots[slot]));
        _time.Advance(Late);
        Assert.Equal([slot], _due);
    }

    [Fact]
    public void Slot_that_is_set_again_may_be_due_sooner()
    {
        var slot = _slots.Take();
        _wheel.Set(slot, TimeSpan.FromMinutes(2));
        _wheel.Set(slot, TimeSpan.FromSeconds(1));
        _time.Advance(TimeSpan.FromSeconds(1) + Late);
        Assert.Equal([slot], _due);
        _time.Advance(TimeSpan.FromMinutes(3));
        Assert.Single(_due);
    }

    [Fact]
    public void Slot_that_was_removed_is_not_due_and_its_neighbours_are()
    {
        var slots = Take(5);
        foreach (var slot in slots) _wheel.Set(slot, TimeSpan.FromSeconds(1));
        foreach (var slot in (int[])[0, 2, 4, 4]) _wheel.Remove(slots[slot]);
        _time.Advance(TimeSpan.FromSeconds(1) + Late);
        Assert.Equal([1, 3], _due.Order());
        _wheel.Remove(slots[1]);
    }

    /// <summary>They are told in portions.</summary>
    [Theory]
    [InlineData(511)]
    [InlineData(512)]
    [InlineData(513)]
    [InlineData(3_000)]
    public void Slots_that_are_due_at_once_are_all_told_in_one_turn(int count)
    {
        foreach (var slot in Take(count)) _wheel.Set(slot, TimeSpan.FromSeconds(1));
        _time.Advance(TimeSpan.FromSeconds(1) + Late);
        Assert.Equal(Enumerable.Range(0, count), _due.Order());
    }

    [Fact]
    public void Slots_of_one_place_and_different_turns_of_the_wheel_are_due_one_after_the_other()
    {
        var turn = TimeSpan.FromMilliseconds(50 * 1_024);
        var slots = Take(3);
        for (var i = 0; i < 3; i++) _wheel.Set(slots[i], TimeSpan.FromSeconds(1) + (i * turn));
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(slots[..i], _due);
            _time.Advance(i == 0 ? TimeSpan.FromSeconds(1) + Late : turn);
        }

        Assert.Equal(slots, _due);
    }

    [Fact]
    public void Clock_that_goes_on_by_more_than_a_turn_leaves_none_out()
    {
        var slots = Take(300);
        foreach (var slot in slots) _wheel.Set(slot, TimeSpan.FromSeconds(slot));

        // As after a laptop's sleep: the timer does not turn meanwhile.
        _time.AutoAdvanceAmount = TimeSpan.Zero;
        _time.SetUtcNow(_time.GetUtcNow() + TimeSpan.FromMinutes(10));
        Assert.Equal(slots, _due.Order());
    }

    [Fact]
    public void Slot_may_be_set_where_it_is_due()
    {
        var times = 0;
        SlotWheel? wheel = null;
        using var own = wheel = new SlotWheel(_slots, _time, slot =>
        {
            if (++times < 3) wheel!.Set(slot, TimeSpan.FromSeconds(1));
        });
        own.Set(_slots.Take(), TimeSpan.FromSeconds(1));
        for (var i = 0; i < 100; i++) _time.Advance(TimeSpan.FromMilliseconds(50));
        Assert.Equal(3, times);
    }

    [Fact]
    public void Wheel_equals_a_plain_list_of_times_through_any_sets_and_removals()
    {
        var seed = Environment.GetEnvironmentVariable("CCOMET_SEED") is { } given ? int.Parse(given, System.Globalization.CultureInfo.InvariantCulture) : Random.Shared.Next();
        var random = new Random(seed);
        var slots = Take(40);
        var plain = new Dictionary<int, TimeSpan>();
        var now = TimeSpan.Zero;
        for (var step = 0; step < 3_000; step++)
        {
            var slot = slots[random.Next(slots.Length)];
            switch (random.Next(4))
            {
                case 0:
                    _wheel.Remove(slot);
                    plain.Remove(slot);
                    break;
                case 1:
                    var by = TimeSpan.FromMilliseconds(random.Next(random.Next(100) == 0 ? 60_000 : 300));
                    now += by;
                    _time.Advance(by);
                    foreach (var told in _due)
                    {
                        Assert.True(plain.Remove(told, out var at), $"CCOMET_SEED={seed}, step {step}: {told} was not set");
                        Assert.True(at <= now, $"CCOMET_SEED={seed}, step {step}: {told} is due at {at}, now is {now}");
                    }

                    _due.Clear();
                    foreach (var (left, at) in plain) Assert.True(at + Late > now, $"CCOMET_SEED={seed}, step {step}: {left} was due at {at}, now is {now}");
                    break;
                default:
                    var delay = TimeSpan.FromMilliseconds(random.Next(random.Next(10) == 0 ? 200_000 : 2_000));
                    _wheel.Set(slot, delay);
                    plain[slot] = now + delay;
                    break;
            }
        }
    }

    private int[] Take(int count) => [.. Enumerable.Range(0, count).Select(_ => _slots.Take())];
}
