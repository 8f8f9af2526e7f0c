using CComet.Messages;
using CComet.Storage.Memory;
using Microsoft.Extensions.Options;

namespace CComet.Storage;

/// <summary>
/// Keeps the logs in this process, and nowhere else: after a restart every log has a new epoch, so that its
/// subscribers get a reset. The fastest store, for messages that may be lost with the process.
/// </summary>
/// <remarks>
/// Ages and idle times are measured by a clock that does not jump; the wall clock gives a message its <c>time</c> and decides on nothing.
/// </remarks>
public sealed class MemoryStore(IOptions<HubOptions> options, TimeProvider time) : IMessageStore
{
    /// <summary>How long an idempotency id is remembered.</summary>
    public static readonly TimeSpan IdMemory = TimeSpan.FromMinutes(5);

    /// <summary>About what a message takes beside its body, its names and what <see cref="MessageRing.MessageOverhead"/> counts.</summary>
    private const int Envelope = 128;

    private readonly MemoryLogs _logs = new(options.Value);
    private readonly Uptime _uptime = new(time);

    /// <summary>How many logs there are.</summary>
    public int LogCount => _logs.Count;

    /// <summary>About what the messages and the logs take in memory, in bytes.</summary>
    public long HeldBytes => _logs.Use.Bytes;

    /// <summary>How many ids are remembered.</summary>
    public long IdCount => _logs.Use.Ids;

    private long Now => _uptime.Now;

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<Receipt>> AppendAsync(IReadOnlyList<NewMessage> drafts, CancellationToken cancellation = default)
    {
        var now = Now;
        var channel = SingleChannel(drafts);
        long bytes = 0;
        for (var i = 0; i < drafts.Count; i++) bytes += BytesOf(drafts[i]);
        _logs.MakeRoom(channel, bytes, now);

        var receipts = new Receipt[drafts.Count];
        if (channel is null) AppendToSeveral(drafts, receipts, now);
        else if (drafts.Count > 0) Append(channel, drafts, receipts, now);
        return ValueTask.FromResult<IReadOnlyList<Receipt>>(receipts);
    }

    /// <inheritdoc/>
    public ValueTask<LogSlice> ReadAsync(string channel, long from, long maxBytes, CancellationToken cancellation = default)
    {
        while (_logs.Find(channel) is { } log)
        {
            // A closed one is on its way out of the table.
            if (log.Read(from, maxBytes, Now) is { } slice) return ValueTask.FromResult(slice);
        }

        return ValueTask.FromResult(new LogSlice(new LogHead(_logs.EpochOf(channel), 0, 0), []));
    }

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

    private static string? SingleChannel(IReadOnlyList<NewMessage> drafts)
    {
        for (var i = 1; i < drafts.Count; i++)
        {
            if (drafts[i].Channel != drafts[0].Channel) return null;
        }

        return drafts.Count == 0 ? "" : drafts[0].Channel;
    }

    private static long BytesOf(NewMessage draft) =>
        draft.Body.Length + (3L * (draft.Channel.Length + (draft.Sname?.Length ?? 0))) + Envelope + MessageRing.MessageOverhead;

    /// <summary>What the ids are remembered by, hashed outside of every lock; null when there are none.</summary>
    private static IdHash[]? HashIds(IReadOnlyList<NewMessage> drafts)
    {
        IdHash[]? ids = null;
        for (var i = 0; i < drafts.Count; i++)
        {
            if (drafts[i].Id is { } id) (ids ??= new IdHash[drafts.Count])[i] = IdHash.Of(id);
        }

        return ids;
    }

    private void Append(string channel, IReadOnlyList<NewMessage> drafts, Receipt[] receipts, long now)
    {
        var ids = HashIds(drafts);
        if (ids is not null) _logs.MakeRoomForIds(now);
        var time = WallTime;
        while (true)
        {
            var log = _logs.Admit(channel, now);
            var isAppended = false;
            try
            {
                isAppended = log.TryAppend(drafts, ids, 0, receipts.Length, receipts, now, time, checkIds: true);
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
    private void AppendToSeveral(IReadOnlyList<NewMessage> drafts, Receipt[] receipts, long now)
    {
        var ids = HashIds(drafts);
        var logs = new Dictionary<string, MemoryLog>(StringComparer.Ordinal);
        try
        {
            foreach (var draft in drafts)
            {
                if (!logs.ContainsKey(draft.Channel)) logs.Add(draft.Channel, _logs.Admit(draft.Channel, now, pin: true));
            }

            if (ids is not null)
            {
                _logs.MakeRoomForIds(now);
                foreach (var log in logs.Values) log.CheckRoomFor(drafts, ids, now);
            }

            for (var i = 0; i < receipts.Length;)
            {
                // A run of one channel is appended under one lock, and so stands together in the log.
                var run = i + 1;
                while (run < receipts.Length && drafts[run].Channel == drafts[i].Channel) run++;
                logs[drafts[i].Channel].TryAppend(drafts, ids, i, run, receipts, now, WallTime, checkIds: false);
                i = run;
            }
        }
        finally
        {
            foreach (var log in logs.Values) _logs.Settle(log, now, unpin: true);
        }
    }

    private long WallTime => time.GetUtcNow().ToUnixTimeMilliseconds();
}
