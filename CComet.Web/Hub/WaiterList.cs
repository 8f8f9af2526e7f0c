namespace CComet.Web.Hub;

/// <summary>
/// Who waits in one channel. Adding, and removing from anywhere, take the same time however many wait: each subscriber knows
/// its slot. The channel's lock guards it.
/// </summary>
internal sealed class WaiterList
{
    private readonly List<Waiter> _waiters = [];

    /// <summary>How many wait.</summary>
    public int Count => _waiters.Count;

    /// <summary>Wakes all of a list that was taken. Outside of the lock: a subscriber's continuation runs elsewhere, but it need not find the lock held.</summary>
    public static void WakeAll(Waiter[] taken, Wake reason)
    {
        foreach (var waiter in taken) waiter.Subscriber.Signal(reason);
    }

    /// <summary>Adds a subscriber, unless it waits already.</summary>
    public void Add(ref Subscriber.Position position, int index, Subscriber subscriber)
    {
        if (position.Slot >= 0) return;
        position.Slot = _waiters.Count;
        _waiters.Add(new Waiter(subscriber, index));
    }

    /// <summary>Removes a subscriber, if it waits; the last one takes its slot.</summary>
    public void Remove(ref Subscriber.Position position)
    {
        if (position.Slot < 0) return;
        var last = _waiters.Count - 1;
        if (position.Slot != last)
        {
            var moved = _waiters[last];
            _waiters[position.Slot] = moved;
            moved.Subscriber.Moved(moved.Index, position.Slot);
        }

        _waiters.RemoveAt(last);
        position.Slot = -1;
        if (last == 0) _waiters.Capacity = 0;
    }

    /// <summary>Takes all out, to be woken.</summary>
    public Waiter[] TakeAll()
    {
        if (_waiters.Count == 0) return [];
        var taken = _waiters.ToArray();
        _waiters.Clear();
        foreach (var waiter in taken) waiter.Subscriber.Moved(waiter.Index, -1);
        return taken;
    }

    /// <summary>A subscriber, and which of its channels this is.</summary>
    public readonly record struct Waiter(Subscriber Subscriber, int Index);
}
