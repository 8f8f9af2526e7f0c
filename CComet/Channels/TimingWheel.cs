namespace CComet.Channels;

/// <summary>
/// One clock for all timeouts of the server: a hashed wheel with a single timer, so that a waiting subscriber costs two
/// links in a list instead of a timer of its own. The timer rests while nothing waits.
/// </summary>
internal sealed class TimingWheel : IDisposable
{
    /// <summary>How exactly timeouts are kept: they come at most two ticks late, never early.</summary>
    public static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);

    private const int SlotCount = 1024;
    private const int MaxDueAtOnce = 512;

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly long _origin;
    private readonly ITimer _timer;
    private readonly Entry?[] _slots = new Entry?[SlotCount];
    private long _done;
    private int _count;

    /// <summary>A wheel that runs by the given clock.</summary>
    public TimingWheel(TimeProvider time)
    {
        _time = time;
        _origin = time.GetTimestamp();
        _timer = time.CreateTimer(static wheel => ((TimingWheel)wheel!).Turn(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>How many entries wait.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _count;
        }
    }

    /// <summary>Calls the entry's <see cref="Entry.OnDue"/> when the delay is over. An entry waits for one moment at a time.</summary>
    public void Add(Entry entry, TimeSpan delay)
    {
        lock (_lock)
        {
            if (entry.Waits) throw new InvalidOperationException("The entry waits already.");
            var now = NowTick();
            if (_count++ == 0)
            {
                _done = now;
                _timer.Change(Tick, Tick);
            }

            // One tick more than the delay holds, because this moment lies inside a tick that has begun.
            entry.DueTick = Math.Max(now, _done) + (delay.Ticks + Tick.Ticks - 1) / Tick.Ticks + 1;
            ref var slot = ref _slots[entry.DueTick % SlotCount];
            entry.Next = slot;
            if (slot is not null) slot.Previous = entry;
            slot = entry;
        }
    }

    /// <summary>Takes the entry off the wheel; nothing happens when it does not wait.</summary>
    public void Remove(Entry entry)
    {
        lock (_lock) Unlink(entry);
    }

    /// <summary>Completes when the delay is over, or as cancelled when the token is.</summary>
    public async Task DelayAsync(TimeSpan delay, CancellationToken cancellation)
    {
        var sleeper = new Sleeper();
        await using var registration = cancellation.UnsafeRegister(static s => ((Sleeper)s!).Woken.TrySetCanceled(), sleeper);
        Add(sleeper, delay);
        try
        {
            await sleeper.Woken.Task;
        }
        finally
        {
            Remove(sleeper);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private long NowTick() => _time.GetElapsedTime(_origin).Ticks / Tick.Ticks;

    private void Turn()
    {
        var due = new List<Entry>();
        do
        {
            due.Clear();
            Collect(due);
            foreach (var entry in due) entry.OnDue();
        }
        while (due.Count == MaxDueAtOnce);
    }

    /// <summary>Takes off what is due, up to so many at a time: a list of all that were added in the same moment would be a large one.</summary>
    private void Collect(List<Entry> due)
    {
        lock (_lock)
        {
            var now = NowTick();
            for (var tick = Math.Max(_done + 1, now - SlotCount + 1); tick <= now; tick++)
            {
                for (var entry = _slots[tick % SlotCount]; entry is not null;)
                {
                    if (due.Count == MaxDueAtOnce) return;
                    var next = entry.Next;
                    if (entry.DueTick <= now)
                    {
                        Unlink(entry);
                        due.Add(entry);
                    }

                    entry = next;
                }
            }

            _done = Math.Max(_done, now);
        }
    }

    private void Unlink(Entry entry)
    {
        if (!entry.Waits) return;
        if (entry.Previous is null) _slots[entry.DueTick % SlotCount] = entry.Next;
        else entry.Previous.Next = entry.Next;
        if (entry.Next is not null) entry.Next.Previous = entry.Previous;
        entry.Previous = entry.Next = null;
        entry.DueTick = Entry.Never;
        if (--_count == 0) _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Something that waits for a moment.</summary>
    public abstract class Entry
    {
        internal const long Never = 0;

        internal Entry? Previous { get; set; }

        internal Entry? Next { get; set; }

        /// <summary>Counted from the wheel's beginning; always later than that, so that 0 means an entry that does not wait.</summary>
        internal long DueTick { get; set; }

        internal bool Waits => DueTick != Never;

        /// <summary>The moment has come. Runs on the timer's thread: it may not block.</summary>
        protected internal abstract void OnDue();
    }

    private sealed class Sleeper : Entry
    {
        public TaskCompletionSource Woken { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        protected internal override void OnDue() => Woken.TrySetResult();
    }
}
