namespace CComet.Kestrel.Parking;

/// <summary>The timeouts of all slots: a hashed wheel like the hub's, whose links are numbers in the slots.</summary>
internal sealed class SlotWheel : IDisposable
{
    private const int TickMilliseconds = 50;
    private const int TickCount = 1024;
    private const int MaxDueAtOnce = 512;
    private const int None = -1;

    private readonly Lock _lock = new();
    private readonly SlotTable _slots;
    private readonly Action<int> _due;
    private readonly TimeProvider _time;
    private readonly long _origin;
    private readonly ITimer _timer;
    private readonly int[] _heads = new int[TickCount];
    private int _done;
    private int _count;

    /// <summary>Makes one.</summary>
    /// <param name="slots">The slots.</param>
    /// <param name="time">The clock.</param>
    /// <param name="due">Is called with each slot that is due, on the timer's thread, without a lock. The slot may have another use meanwhile.</param>
    public SlotWheel(SlotTable slots, TimeProvider time, Action<int> due)
    {
        (_slots, _time, _due) = (slots, time, due);
        _origin = time.GetTimestamp();
        Array.Fill(_heads, None);
        _timer = time.CreateTimer(static wheel => ((SlotWheel)wheel!).Turn(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Whether a slot that was due is so still. The caller holds the slot's lock, as does who sets it.</summary>
    public static bool IsDue(in ParkedSlot slot) => slot.DueTick == 0;

    /// <summary>The time by its clock, in milliseconds.</summary>
    public int Milliseconds => MillisecondsAt(_time.GetTimestamp());

    /// <summary>The same at a moment of the monotonic clock.</summary>
    public int MillisecondsAt(long timestamp) => (int)((_time.GetElapsedTime(_origin, timestamp).Ticks / TimeSpan.TicksPerMillisecond) & int.MaxValue);

    /// <summary>Sets when a slot is due, whatever was set before.</summary>
    public void Set(int slot, TimeSpan delay)
    {
        lock (_lock)
        {
            Unlink(slot);
            var now = Now();
            if (_count++ == 0)
            {
                _done = now;
                _timer.Change(TimeSpan.FromMilliseconds(TickMilliseconds), TimeSpan.FromMilliseconds(TickMilliseconds));
            }

            // One tick more than the delay holds, because this moment lies inside a tick that has begun.
            ref var set = ref _slots[slot];
            set.DueTick = (int)Math.Min(int.MaxValue, Math.Max(now, _done) + ((delay.Ticks + (TickMilliseconds * TimeSpan.TicksPerMillisecond) - 1) / (TickMilliseconds * TimeSpan.TicksPerMillisecond)) + 1);
            ref var head = ref _heads[set.DueTick % TickCount];
            (set.WheelNext, set.WheelPrevious) = (head, None);
            if (head != None) _slots[head].WheelPrevious = slot;
            head = slot;
        }
    }

    /// <summary>Takes a slot off the wheel.</summary>
    public void Remove(int slot)
    {
        lock (_lock)
        {
            Unlink(slot);
            if (_count == 0) _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private int Now() => (int)(_time.GetElapsedTime(_origin).Ticks / TimeSpan.TicksPerMillisecond / TickMilliseconds);

    private void Turn()
    {
        var due = new List<int>();
        do
        {
            due.Clear();
            Collect(due);
            foreach (var slot in due) _due(slot);
        }
        while (due.Count == MaxDueAtOnce);
    }

    private void Collect(List<int> due)
    {
        lock (_lock)
        {
            var now = Now();
            for (var tick = Math.Max(_done + 1, now - TickCount + 1); tick <= now; tick++)
            {
                for (var slot = _heads[tick % TickCount]; slot != None;)
                {
                    if (due.Count == MaxDueAtOnce) return;
                    var next = _slots[slot].WheelNext;
                    if (_slots[slot].DueTick <= now)
                    {
                        Unlink(slot);
                        due.Add(slot);
                    }

                    slot = next;
                }
            }

            _done = Math.Max(_done, now);
            if (_count == 0) _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    private void Unlink(int slot)
    {
        ref var unlinked = ref _slots[slot];
        if (unlinked.DueTick == 0) return;
        if (unlinked.WheelPrevious == None) _heads[unlinked.DueTick % TickCount] = unlinked.WheelNext;
        else _slots[unlinked.WheelPrevious].WheelNext = unlinked.WheelNext;
        if (unlinked.WheelNext != None) _slots[unlinked.WheelNext].WheelPrevious = unlinked.WheelPrevious;
        unlinked.DueTick = 0;
        _count--;
    }
}
