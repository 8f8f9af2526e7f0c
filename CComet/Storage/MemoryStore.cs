using CComet.Messages;
using CComet.Storage.Memory;
using Microsoft.Extensions.Options;

namespace CComet.Storage;

/// <summary>
/// Keeps the logs in this process, and nowhere else: after a restart every log has a new epoch, so that its
/// subscribers get a reset. The fastest store, for messages that may be lost with the process.
/// </summary>
/// <remarks>
/// <para>
/// The store that <c>AddCComet()</c> adds unless another one is registered. Every method completes synchronously, on the calling thread;
/// an append delivers to up to four subscribers before it returns. All logs together take at most <see cref="HistoryOptions.TotalBytes"/>.
/// </para>
/// <para>
/// Ages and idle times are measured by a clock that does not jump; the wall clock gives a message its <c>time</c>, and says when a record
/// (<see cref="IRecordStore"/>) expires.
/// </para>
/// </remarks>
public sealed class MemoryStore : IMessageStore, IClearingStore, IListingStore, IRecordStore, IPresenceStore, ICursorStore, ISingleNodeStore
{
    /// <summary>About what a message takes beside its body, its names and what <see cref="MessageRing.MessageOverhead"/> counts.</summary>
    private const int Envelope = 128;

    private readonly MemoryLogs _logs;
    private readonly MemoryRecords _records;
    private readonly MemoryMembers _members;
    private readonly MemoryCursors _cursors;
    private readonly TimeProvider _time;
    private readonly Uptime _uptime;

    /// <summary>Makes a store without logs.</summary>
    /// <param name="options">The bounds of the logs and of the ids, read once.</param>
    /// <param name="time">The clock.</param>
    public MemoryStore(IOptions<HubOptions> options, TimeProvider time)
    {
        _logs = new MemoryLogs(options.Value);
        _records = new MemoryRecords(time);
        _members = new MemoryMembers(this, time);
        _cursors = new MemoryCursors(time);
        _time = time;
        _uptime = new Uptime(time);
    }

    /// <summary>How many logs there are.</summary>
    internal int LogCount => _logs.Count;

    /// <summary>About what the messages and the logs take in memory, in bytes.</summary>
    internal long HeldBytes => _logs.Use.Bytes;

    /// <summary>How many ids are remembered.</summary>
    internal long IdCount => _logs.Use.Ids;

    private long Now => _uptime.Now;

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<Receipt>> AppendAsync(IReadOnlyList<NewMessage> messages, CancellationToken cancellation = default) => ValueTask.FromResult(Append(messages));

    /// <inheritdoc cref="AppendAsync"/>
    internal IReadOnlyList<Receipt> Append(IReadOnlyList<NewMessage> messages)
    {
        var now = Now;
        var channel = SingleChannel(messages);
        long bytes = 0;
        for (var i = 0; i < messages.Count; i++) bytes += BytesOf(messages[i]);
        _logs.MakeRoom(channel, bytes, now);

        var receipts = new Receipt[messages.Count];
        DeferredDeliveries? deferred = null;
        if (channel is null) AppendToSeveral(messages, receipts, now, ref deferred);
        else if (messages.Count > 0) Append(channel, messages, receipts, now, ref deferred);
        deferred?.Run();
        return receipts;
    }

    /// <inheritdoc/>
    public ValueTask<LogSlice> ReadAsync(string channel, long from, long maxBytes, CancellationToken cancellation = default) => ValueTask.FromResult(Read(channel, from, maxBytes));

    /// <inheritdoc cref="ReadAsync"/>
    internal LogSlice Read(string channel, long from, long maxBytes)
    {
        while (_logs.Find(channel) is { } log)
        {
            // A closed one is on its way out of the table.
            if (log.Read(from, maxBytes, Now) is { } slice) return slice;
        }

        return new LogSlice(new LogHead(_logs.EpochOf(channel), 0, 0), []);
    }

    /// <inheritdoc/>
    public ValueTask<LogHead?> ClearAsync(string channel, CancellationToken cancellation = default)
    {
        var now = Now;
        while (_logs.Find(channel) is { } log)
        {
            // A closed one is on its way out of the table.
            if (!log.TryClear(now, out var before)) continue;
            if (before is not null) _logs.SettleCleared(log, now);
            return ValueTask.FromResult(before);
        }

        return ValueTask.FromResult<LogHead?>(null);
    }

    /// <inheritdoc/>
    public ValueTask<LogPage> ListAsync(string prefix, string? after, int limit, CancellationToken cancellation = default) => ValueTask.FromResult(_logs.List(prefix, after, limit, Now));

    /// <inheritdoc/>
    public ValueTask FollowAsync(string channel, ILogListener listener, CancellationToken cancellation = default)
    {
        while (!_logs.Get(channel, Now).TryFollow(listener)) { }
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public void Unfollow(string channel, ILogListener listener)
    {
        if (_logs.Find(channel) is not { } log) return;
        log.Unfollow(listener, Now);
        if (!log.IsDue) _logs.Settle(log, Now);
    }

    /// <inheritdoc/>
    public ValueTask SweepAsync(CancellationToken cancellation = default)
    {
        _logs.Sweep(Now);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask CheckAsync(CancellationToken cancellation = default) => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public ValueTask PutRecordAsync(string kind, string name, ReadOnlyMemory<byte> value, DateTimeOffset? expires, CancellationToken cancellation = default)
    {
        _records.Put(kind, name, value, expires);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyDictionary<string, byte[]>> ReadRecordsAsync(string kind, CancellationToken cancellation = default) => ValueTask.FromResult(_records.Read(kind));

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<int>> ChangeMembersAsync(string log, string holder, IReadOnlyList<MemberChange> changes, int maxMembers, CancellationToken cancellation = default) =>
        ValueTask.FromResult(_members.Change(log, holder, changes, maxMembers));

    /// <inheritdoc/>
    public ValueTask<MemberList> ReadMembersAsync(string log, bool withMembers, CancellationToken cancellation = default) => ValueTask.FromResult(_members.Read(log, withMembers));

    /// <inheritdoc/>
    public ValueTask<bool> RenewLeaseAsync(string holder, TimeSpan life, bool isNew, CancellationToken cancellation = default) => ValueTask.FromResult(_members.Renew(holder, life, isNew));

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<string>> ReadLapsedAsync(CancellationToken cancellation = default) => ValueTask.FromResult(_members.ReadLapsed());

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<(string Log, string Member)>> ReadHeldAsync(string holder, int most, CancellationToken cancellation = default) => ValueTask.FromResult(_members.ReadHeld(holder, most));

    /// <inheritdoc/>
    public ValueTask ForgetHolderAsync(string holder, CancellationToken cancellation = default)
    {
        _members.Forget(holder);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<long?> LeaseReaderAsync(string reader, string holder, TimeSpan life, CancellationToken cancellation = default) => ValueTask.FromResult(_cursors.Lease(reader, holder, life));

    /// <inheritdoc/>
    public ValueTask ReleaseReaderAsync(string reader, string holder, CancellationToken cancellation = default)
    {
        _cursors.Release(reader, holder);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<LogCursor>> ReadCursorsAsync(string reader, CancellationToken cancellation = default) => ValueTask.FromResult(_cursors.Read(reader));

    /// <inheritdoc/>
    public ValueTask<bool> SaveCursorsAsync(string reader, long generation, IReadOnlyList<LogCursor> cursors, CancellationToken cancellation = default) =>
        ValueTask.FromResult(_cursors.Save(reader, generation, cursors));

    private static string? SingleChannel(IReadOnlyList<NewMessage> messages)
    {
        for (var i = 1; i < messages.Count; i++)
        {
            if (messages[i].Channel != messages[0].Channel) return null;
        }

        return messages.Count == 0 ? "" : messages[0].Channel;
    }

    private static long BytesOf(NewMessage message) =>
        message.Body.Length + (3L * (message.Channel.Length + (message.Sname?.Length ?? 0))) + Envelope + MessageRing.MessageOverhead;

    /// <summary>What the ids are remembered by, hashed outside of every lock; null when there are none.</summary>
    private static IdHash[]? HashIds(IReadOnlyList<NewMessage> messages)
    {
        IdHash[]? ids = null;
        for (var i = 0; i < messages.Count; i++)
        {
            if (messages[i].Id is { } id) (ids ??= new IdHash[messages.Count])[i] = IdHash.Create(id);
        }

        return ids;
    }

    private void Append(string channel, IReadOnlyList<NewMessage> messages, Receipt[] receipts, long now, ref DeferredDeliveries? deferred)
    {
        var ids = HashIds(messages);
        if (ids is not null) _logs.MakeRoomForIds(now);
        var time = WallTime;
        while (true)
        {
            var log = _logs.Admit(channel, now);
            var isAppended = false;
            try
            {
                isAppended = log.TryAppend(messages, ids, receipts, now, time, checkIds: true, ref deferred);
                if (isAppended) return;
            }
            finally
            {
                // What was refused may have been given a place for nothing.
                if (!isAppended || log.NeedsSettling) _logs.Settle(log, now);
            }
        }
    }

    /// <summary>Everything that can fail comes before the first append, so that it is all or none: the logs are pinned and have their places, the ids find room.</summary>
    private void AppendToSeveral(IReadOnlyList<NewMessage> messages, Receipt[] receipts, long now, ref DeferredDeliveries? deferred)
    {
        var ids = HashIds(messages);
        var logs = new Dictionary<string, MemoryLog>(StringComparer.Ordinal);
        try
        {
            foreach (var message in messages)
            {
                if (!logs.ContainsKey(message.Channel)) logs.Add(message.Channel, _logs.Admit(message.Channel, now, pin: true));
            }

            if (ids is not null)
            {
                _logs.MakeRoomForIds(now);
                foreach (var log in logs.Values) log.CheckRoomFor(messages, ids, now);
            }

            foreach (var part in Enumerable.Range(0, receipts.Length).GroupBy(i => messages[i].Channel, StringComparer.Ordinal))
            {
                // All messages of one channel are appended under one lock: they stand together in the log, and no clear falls between them.
                int[] indexes = [.. part];
                var own = new Receipt[indexes.Length];
                logs[part.Key].TryAppend([.. indexes.Select(i => messages[i])], ids is null ? null : [.. indexes.Select(i => ids[i])], own, now, WallTime, checkIds: false, ref deferred);
                for (var i = 0; i < own.Length; i++) receipts[indexes[i]] = own[i];
            }
        }
        finally
        {
            foreach (var log in logs.Values) _logs.Settle(log, now, unpin: true);
        }
    }

    private long WallTime => _time.GetUtcNow().ToUnixTimeMilliseconds();
}
