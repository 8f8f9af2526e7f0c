using CComet.Web.Hub;

namespace CComet.Web.Stores.Sqlite;

/// <summary>The messages of one publish: all of them or none.</summary>
internal sealed class SqliteAppend(IReadOnlyList<Draft> drafts) : SqliteWrite<IReadOnlyList<Receipt>>
{
    public override long Bytes => drafts.Sum(d => (long)d.Body.Length);

    protected override IReadOnlyList<Receipt> Write(SqliteTransactionScope scope)
    {
        var logs = new SqliteLog[drafts.Count];
        for (var i = 0; i < logs.Length; i++) logs[i] = i > 0 && drafts[i].Channel == drafts[i - 1].Channel ? logs[i - 1] : scope.Touch(drafts[i].Channel);
        CheckRoomForChannels(scope, logs);
        var known = drafts.Any(d => d.Id is not null) ? CheckRoomForIds(scope, logs) : null;

        var time = scope.Now.ToUnixTimeMilliseconds();
        var receipts = new Receipt[drafts.Count];
        for (var i = 0; i < receipts.Length; i++)
        {
            var (draft, log) = (drafts[i], logs[i]);
            if (draft.Id is not null && (known![i] ?? AddedId(log, draft.Id)) is { } first)
            {
                receipts[i] = new Receipt(draft.Channel, log.Pending.Epoch, first, null);
                continue;
            }

            if (log.Pending.Id == 0) log.Place(scope.Session.AddChannel(log.Name, log.Pending.Epoch, time));
            var message = Message.Encode(draft, log.Pending.Next, time);
            log.Add(message);
            scope.Session.AddMessage(log.Pending.Id, message, log.Pending.Total);
            if (draft.Id is not null)
            {
                log.AddedIds.Add(draft.Id, message.Seqid);
                scope.Session.AddId(log.Pending.Id, draft.Id, message.Seqid, (scope.Now + MemoryStore.IdMemory).ToUnixTimeMilliseconds());
            }

            receipts[i] = new Receipt(draft.Channel, log.Pending.Epoch, message.Seqid, message);
        }

        return receipts;
    }

    private static long? AddedId(SqliteLog log, string id) => log.AddedIds.TryGetValue(id, out var seqid) ? seqid : null;

    private static void CheckRoomForChannels(SqliteTransactionScope scope, SqliteLog[] logs)
    {
        if (scope.Session.Channels + logs.Where(l => l.Pending.Id == 0).Distinct().Count() > scope.Limits.Channels)
            throw new LimitException("channel", $"channel: the server keeps its {scope.Limits.Channels} channels already.", ChannelHub.LimitRetry);
    }

    /// <summary>Looks the ids up; gives, for each draft, the seqid stored under its id.</summary>
    private long?[] CheckRoomForIds(SqliteTransactionScope scope, SqliteLog[] logs)
    {
        var now = scope.Now.ToUnixTimeMilliseconds();
        var known = new long?[drafts.Count];
        var fresh = new Dictionary<SqliteLog, HashSet<string>>();
        for (var i = 0; i < known.Length; i++)
        {
            if (drafts[i].Id is not { } id) continue;
            known[i] = AddedId(logs[i], id) ?? scope.Session.FindId(logs[i].Pending.Id, id, now);
            if (known[i] is not null) continue;
            if (!fresh.TryGetValue(logs[i], out var ids)) fresh[logs[i]] = ids = new HashSet<string>(StringComparer.Ordinal);
            ids.Add(id);
        }

        foreach (var (log, ids) in fresh)
        {
            if (log.Ids >= 0 && HasRoom()) continue;
            scope.Session.Run("DELETE FROM ids WHERE channel = $channel AND expires <= $now", ("$channel", log.Pending.Id), ("$now", now));
            log.Ids = scope.Session.CountIds(log.Pending.Id) - log.AddedIds.Count;
            if (!HasRoom())
                throw new LimitException("id", $"id: channel '{log.Name}' remembers its {scope.Limits.IdsPerChannel} ids already.", MemoryStore.IdMemory);

            bool HasRoom() => log.Ids + log.AddedIds.Count + ids.Count <= scope.Limits.IdsPerChannel;
        }

        return known;
    }
}
