namespace CComet.Web.Hub;

/// <summary>
/// Who waits in one channel. Adding, and removing from anywhere, take the same time however many wait: each subscriber knows
/// its slot. The channel's lock guards it.
/// </summary>
internal sealed class WaiterList
{
    private const int SmallestCapacity = 4;

    private Waiter[] _waiters = [];
    private bool _isShared;

    /// <summary>How many wait.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a subscriber, unless it waits already.</summary>
    public void Add(ref Subscriber.Position position, int index, Subscriber subscriber)
    {
        if (position.Slot >= 0) return;
        if (Count == _waiters.Length) Move(Math.Max(SmallestCapacity, Count * 2));

        // Behind what was shared, where nobody looks.
        position.Slot = Count;
        _waiters[Count++] = new Waiter(subscriber, index);
    }

    /// <summary>Removes a subscriber, if it waits; the last one takes its slot.</summary>
    public void Remove(ref Subscriber.Position position)
    {
        if (position.Slot < 0) return;
        if (_isShared) Move(_waiters.Length);
        var moved = _waiters[--Count];
        _waiters[Count] = default;
        if (position.Slot != Count)
        {
            _waiters[position.Slot] = moved;
            moved.Subscriber.Moved(moved.Index, position.Slot);
        }

        position.Slot = -1;
        if (Count == 0) _waiters = [];
    }

    /// <summary>Takes all out, to be woken.</summary>
    public ReadOnlyMemory<Waiter> TakeAll()
    {
        var taken = _waiters.AsMemory(0, Count);
        (_waiters, Count, _isShared) = ([], 0, false);
        foreach (var waiter in taken.Span) waiter.Subscriber.Moved(waiter.Index, -1);
        return taken;
    }

    /// <summary>All who wait at this moment, and go on waiting. What is given never changes; whoever leaves later is still in it.</summary>
    public ReadOnlyMemory<Waiter> Share()
    {
        _isShared = true;
        return _waiters.AsMemory(0, Count);
    }

    private void Move(int capacity)
    {
        var moved = new Waiter[capacity];
        Array.Copy(_waiters, moved, Count);
        (_waiters, _isShared) = (moved, false);
    }

    /// <summary>A subscriber, and which of its channels this is.</summary>
    public readonly record struct Waiter(Subscriber Subscriber, int Index);
}
