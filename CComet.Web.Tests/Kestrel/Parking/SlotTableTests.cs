using CComet.Kestrel.Parking;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>The slots of parked connections.</summary>
public sealed class SlotTableTests
{
    private readonly SlotTable _slots = new();

    [Fact]
    public void Slot_that_was_given_back_is_taken_again_and_counts_its_connections()
    {
        var (first, second) = (_slots.Take(), _slots.Take());
        Assert.Equal((0, 1, 2), (first, second, _slots.Count));
        var generation = _slots[first].Generation;
        Free(second);
        Free(first);
        Assert.Equal((SlotState.Free, SlotState.Free), (_slots[first].State, _slots[second].State));
        Assert.Equal([0, 1], new[] { _slots.Take(), _slots.Take() }.Order());
        Assert.Equal((2, 2), (_slots.Take(), _slots.Count - 1));
        Assert.Equal(generation + 1, _slots[first].Generation);
        Assert.Equal(-1, _slots[2].Listed);
    }

    [Fact]
    public void Slots_stay_where_they_are_as_more_are_taken()
    {
        ref var first = ref _slots[_slots.Take()];
        first.Next = -1;
        for (var i = 1; i < 5_000; i++) _slots[_slots.Take()].Next = i;
        first.Next = 7;
        Assert.Equal(7, _slots[0].Next);
        for (var i = 1; i < 5_000; i++) Assert.Equal(i, _slots[i].Next);
    }

    [Fact]
    public async Task Lock_excludes_and_keeps_the_other_flags()
    {
        const int Times = 50_000;
        var slot = _slots.Take();
        _slots[slot].Flags = SlotFlags.HasData | SlotFlags.ClosesNext;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; i < Times; i++)
                {
                    ref var entered = ref _slots.Enter(slot);
                    entered.Next++;
                    SlotTable.Exit(ref entered);
                }
            },
            TaskCreationOptions.LongRunning)));
        Assert.Equal((4 * Times, SlotFlags.HasData | SlotFlags.ClosesNext), (_slots[slot].Next, _slots[slot].Flags));
    }

    /// <summary>A slot is on the free list before its lock is given up.</summary>
    [Fact]
    public async Task No_slot_is_taken_twice_at_a_time()
    {
        var owners = new int[64];
        await Task.WhenAll(Enumerable.Range(1, 4).Select(owner => Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; i < 20_000; i++)
                {
                    var slot = _slots.Take();
                    Assert.Equal(0, Interlocked.Exchange(ref owners[slot], owner));
                    _slots.Enter(slot);
                    Assert.Equal(owner, Interlocked.Exchange(ref owners[slot], 0));
                    _slots.Free(slot);
                    SlotTable.Exit(ref _slots[slot]);
                }
            },
            TaskCreationOptions.LongRunning)));
        Assert.InRange(_slots.Count, 1, 4);
    }

    private void Free(int slot)
    {
        _slots.Enter(slot);
        _slots.Free(slot);
        SlotTable.Exit(ref _slots[slot]);
    }
}
