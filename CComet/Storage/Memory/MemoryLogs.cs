using System.Collections.Concurrent;
using CComet.Messages;

namespace CComet.Storage.Memory;

/// <summary>
/// The logs of the memory store: which there are, which of them may go, and who gives room when all of them together hold
/// too much.
/// </summary>
/// <remarks>
/// <para>A channel of which nothing was stored has no log unless it is followed. It has an epoch all the same: one of a fixed set, by
/// the hash of its name, which its log takes with the first message. When a log in which something was stored is dropped, the epoch of its
/// set is replaced in the same step, so that its numbers are never given again under the same epoch. The other names of the set
/// are told a RESET that they did not need, which is why there are many sets.</para>
/// <para>Over <c>History:TotalBytes</c> a log that holds most, within a factor of two, loses its oldest messages first, and never for
/// the sake of a log that would hold as much: filling the server with messages costs those that hold more than their share, and
/// leaves the others what they have. Who would hold most pays for itself. A publish is refused only when nothing larger than its own
/// messages can go. Each message dropped was paid for by an append.</para>
/// <para>The gate is taken before a log's lock, never under it, and only when a log is made, dropped, gets its first message,
/// doubles, or has to give room.</para>
/// </remarks>
internal sealed class MemoryLogs
{
    private const int EpochSets = 1_024;

    /// <summary>How many logs are visited while the gate is held.</summary>
    private const int Step = 256;

    private readonly ConcurrentDictionary<string, MemoryLog> _logs = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly string[] _epochs = [.. Enumerable.Range(0, EpochSets).Select(_ => Epoch.New())];
    private readonly PriorityQueue<MemoryLog, long> _due = new();
    private readonly LinkedList<(MemoryLog Log, long Since)> _unused = new();
    private readonly SizeClasses<MemoryLog> _sizes = new();
    private readonly HubOptions _options;
    private readonly long _maxBytes;
    private readonly long _maxIds;
    private int _kept;

    public MemoryLogs(HubOptions options)
    {
        _options = options;
        _maxBytes = StoreBounds.MemoryBytes(options.History);
        _maxIds = StoreBounds.MemoryIds(options.Limits);
    }

    public int Count => _logs.Count;

    public MemoryUse Use { get; } = new();

    public MemoryLog? Find(string channel) => _logs.GetValueOrDefault(channel);

    /// <summary>Lists logs with messages. The table is looked through for each page, which holds no lock: to keep it in order would cost every new log.</summary>
    public LogPage List(string prefix, string? after, int limit, long now)
    {
        // The greatest name first: it gives way to a lesser one.
        var least = new PriorityQueue<MemoryLog, string>(limit + 1, Comparer<string>.Create(static (a, b) => Names.Compare(b, a)));
        var isCut = false;
        foreach (var (name, log) in _logs)
        {
            if (log.Held == 0 || !name.StartsWith(prefix, StringComparison.Ordinal) || (after is not null && Names.Compare(name, after) <= 0)) continue;
            if (least.Count < limit)
            {
                least.Enqueue(log, name);
                continue;
            }

            isCut = true;
            least.EnqueueDequeue(log, name);
        }

        var logs = new MemoryLog[least.Count];
        for (var i = logs.Length - 1; i >= 0; i--) logs[i] = least.Dequeue();
        return new LogPage([.. logs.Select(log => log.Describe(now)).OfType<ListedLog>()], isCut ? logs[^1].Name : null);
    }

    /// <summary>The epoch of a channel of which nothing is stored.</summary>
    public string EpochOf(string channel) => Volatile.Read(ref _epochs[SetOf(channel)]);

    /// <summary>A channel's log, made when there is none; it may have been closed by the time it is used.</summary>
    public MemoryLog Get(string channel, long now)
    {
        if (_logs.TryGetValue(channel, out var known)) return known;
        lock (_gate) return _logs.TryGetValue(channel, out var log) ? log : Add(channel, now);
    }

    /// <summary>Returns a channel's log, counted among those that are kept. A caller that pins it must settle it.</summary>
    /// <exception cref="LimitException">A log too many, and none of the others may go.</exception>
    public MemoryLog Admit(string channel, long now, bool pin = false)
    {
        if (!pin && _logs.TryGetValue(channel, out var known) && known.IsAdmitted) return known;
        lock (_gate)
        {
            if (!_logs.TryGetValue(channel, out var log) || !log.IsAdmitted)
            {
                if (_kept >= _options.Limits.Channels && !TryEvict(now))
                    throw new LimitException("channel", $"channel: the server keeps its {_options.Limits.Channels} channels already.", LimitException.DefaultRetry, "Limits:Channels", isGlobal: true);
                log ??= Add(channel, now);
                log.IsAdmitted = true;
                _kept++;
            }

            if (pin) log.Pins++;
            return log;
        }
    }

    /// <summary>Puts a log where it belongs after it was used: among those that are visited when something of it is over its time, or those that may go.</summary>
    public void Settle(MemoryLog log, long now, bool unpin = false)
    {
        lock (_gate)
        {
            if (unpin) log.Pins--;
            if (!log.IsClosed && log.Held > 0) log.SizeClass = _sizes.Raise(log, log.Held);
            Place(log, now);
        }
    }

    /// <summary>Puts a log that was cleared among those that may go, although its next visit may be minutes away.</summary>
    public void SettleCleared(MemoryLog log, long now)
    {
        lock (_gate)
        {
            Place(log, now);
            if (log.IsDue && !log.IsClosed && !log.IsFollowed) log.Unused ??= _unused.AddLast((log, now));
        }
    }

    /// <summary>Makes room for a publish of so many bytes when all logs together would hold too much.</summary>
    /// <param name="channel">The channel; null when it is of several.</param>
    /// <param name="bytes">What it takes, about.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="LimitException">No log that is larger can give room.</exception>
    public void MakeRoom(string? channel, long bytes, long now)
    {
        if (Use.Bytes + bytes <= _maxBytes) return;
        lock (_gate)
        {
            while (Collect(now)) { }
            var own = channel is null ? null : Find(channel);
            for (long over; (over = Use.Bytes + bytes - _maxBytes) > 0;)
            {
                var held = own?.Held ?? 0;
                var top = _sizes.FindLargest(log => log.Measure(), out var largest);
                var giver = top > SizeClasses<MemoryLog>.ClassOf(held + bytes) ? largest
                    : held >= over ? own
                    : top > SizeClasses<MemoryLog>.ClassOf(bytes) ? largest
                    : throw new LimitException("channel", $"channel: the histories of all channels take their {_maxBytes} bytes, and none is larger than this one would be.", LimitException.DefaultRetry, "History:TotalBytes", isGlobal: true);
                giver!.Drop(over);
            }
        }
    }

    /// <summary>Forgets the ids that are over their time, when a publish may be refused because there are too many in all.</summary>
    public void MakeRoomForIds(long now)
    {
        if (Use.Ids * 2 < _maxIds) return;
        lock (_gate)
        {
            while (Collect(now)) { }
        }
    }

    /// <summary>Drops what is over its time, and the logs that have been empty and unused for so long.</summary>
    public void Sweep(long now)
    {
        bool more;
        do
        {
            lock (_gate) more = Collect(now);
        }
        while (more);

        do
        {
            lock (_gate) more = ForgetIdle(now);
        }
        while (more);
    }

    private static int SetOf(string channel) => (int)((uint)channel.GetHashCode(StringComparison.Ordinal) % EpochSets);

    private MemoryLog Add(string channel, long now)
    {
        var log = new MemoryLog(channel, EpochOf(channel), _options, Use, _maxIds, now);
        _logs[channel] = log;
        Use.AddBytes(log.FixedBytes);
        return log;
    }

    private void Place(MemoryLog log, long now)
    {
        if (log.IsDue || log.IsClosed) return;
        var next = log.Tidy(now);
        if (next == long.MaxValue && !log.IsFollowed)
        {
            var mayWait = log.IsWritten && !log.IsIdle(now, _options.Limits.IdleChannel);
            if (mayWait || !TryRemove(log)) log.Unused ??= _unused.AddLast((log, now));
            return;
        }

        if (log.Unused is not null) _unused.Remove(log.Unused);
        log.Unused = null;
        if (next == long.MaxValue) return;
        log.IsDue = true;
        _due.Enqueue(log, next);
    }

    /// <summary>Visits some of the logs of which something is over its time; false when no more are due.</summary>
    private bool Collect(long now)
    {
        for (var i = 0; i < Step; i++)
        {
            if (!_due.TryPeek(out var log, out var at) || at > now) return false;
            _due.Dequeue();

            // Before it is looked at: an append that comes after the look finds that it must be settled.
            log.IsDue = false;
            Place(log, now);
        }

        return true;
    }

    /// <summary>Drops the log that has been empty and not followed for longest.</summary>
    private bool TryEvict(long now)
    {
        bool more;
        do
        {
            if (TryEvictUnused(now)) return true;
            more = Collect(now);
        }
        while (more);

        return TryEvictUnused(now);
    }

    private bool TryEvictUnused(long now)
    {
        for (var left = _unused.Count; left > 0; left--)
        {
            var log = TakeUnused();
            if (TryRemove(log)) return true;

            // It is used again.
            Place(log, now);
        }

        return false;
    }

    private bool ForgetIdle(long now)
    {
        for (var i = 0; i < Step; i++)
        {
            if (_unused.First is not { } first || now - first.Value.Since < _options.Limits.IdleChannel.TotalMilliseconds) return false;
            var log = TakeUnused();
            if (!log.IsIdle(now, _options.Limits.IdleChannel) || !TryRemove(log)) Place(log, now);
        }

        return true;
    }

    private MemoryLog TakeUnused()
    {
        var log = _unused.First!.Value.Log;
        _unused.RemoveFirst();
        log.Unused = null;
        return log;
    }

    private bool TryRemove(MemoryLog log)
    {
        if (!log.TryClose()) return false;

        // Before it is gone: a caller that does not find it must not get its epoch.
        if (log.IsWritten) Volatile.Write(ref _epochs[SetOf(log.Name)], Epoch.New());
        _logs.TryRemove(KeyValuePair.Create(log.Name, log));
        if (log.IsAdmitted) _kept--;
        if (log.Unused is not null) _unused.Remove(log.Unused);
        log.Unused = null;
        _sizes.Remove(log);
        Use.AddBytes(-log.FixedBytes);
        return true;
    }
}
