using CComet.Messages;
using CComet.Storage;

namespace CComet.Sqlite;

/// <summary>The messages of one publish: all of them or none.</summary>
internal sealed class SqliteAppend(IReadOnlyList<NewMessage> messages) : SqliteWrite<IReadOnlyList<Receipt>>
{
    /// <summary>About what a message takes beside its body and its names.</summary>
    private const int Envelope = 128 + SqliteSession.MessageOverhead;

    /// <summary>How many ids that are over their time are taken away for a publish that finds no room.</summary>
    private const int ForgottenIds = 1_000;

    /// <summary>How often the oldest id of a channel is looked up, in milliseconds.</summary>
    private const int LookInterval = 1_000;

    public override long Bytes => messages.Sum(d => (long)d.Body.Length);

    protected override IReadOnlyList<Receipt> Write(SqliteTransactionScope scope) => AppendTo(scope);

    /// <summary>Appends them as a part of another write.</summary>
    /// <exception cref="LimitException">Nothing has been changed but that room was made.</exception>
    public IReadOnlyList<Receipt> AppendTo(SqliteTransactionScope scope)
    {
        var logs = new SqliteLog[messages.Count];
        for (var i = 0; i < logs.Length; i++) logs[i] = i > 0 && messages[i].Channel == messages[i - 1].Channel ? logs[i - 1] : scope.Touch(messages[i].Channel);
        try
        {
            var known = messages.Any(d => d.Id is not null) ? CheckRoomForIds(scope, logs) : null;
            scope.Room.ForChannels(scope, logs.Where(l => l.Pending.Id == 0).Distinct().Count());
            scope.Room.ForBytes(scope, logs.All(l => l == logs[0]) ? logs[0] : null, Stored);
            return Append(scope, logs, known);
        }
        catch (LimitException)
        {
            scope.Untouch(logs);
            throw;
        }
    }

    private Receipt[] Append(SqliteTransactionScope scope, SqliteLog[] logs, long?[]? known)
    {
        var time = scope.Now.ToUnixTimeMilliseconds();
        var receipts = new Receipt[messages.Count];
        for (var i = 0; i < receipts.Length; i++)
        {
            var (newMessage, log) = (messages[i], logs[i]);
            if (newMessage.Id is not null && (known![i] ?? AddedId(log, newMessage.Id)) is { } first)
            {
                receipts[i] = new Receipt(newMessage.Channel, log.Pending.Epoch, first, null);
                continue;
            }

            if (log.Pending.Id == 0) log.Place(scope.Session.AddChannel(log.Name, log.Pending.Epoch, time));
            var message = Message.Create(newMessage, log.Pending.Next, time);
            log.Add(message);
            scope.Session.AddMessage(log.Pending.Id, message, log.Pending.Total);
            if (newMessage.Id is not null)
            {
                log.AddedIds.Add(newMessage.Id, message.Seqid);
                scope.Session.AddId(log.Pending.Id, newMessage.Id, message.Seqid, scope.IdTime + (long)StoreBounds.IdLifetime.TotalMilliseconds);
            }

            receipts[i] = new Receipt(newMessage.Channel, log.Pending.Epoch, message.Seqid, message);
        }

        return receipts;
    }

    /// <summary>About what it takes in the file.</summary>
    private long Stored => messages.Sum(d => d.Body.Length + (3L * (d.Channel.Length + (d.Sname?.Length ?? 0))) + Envelope);

    private static long? AddedId(SqliteLog log, string id) => log.AddedIds.TryGetValue(id, out var seqid) ? seqid : null;

    /// <summary>Looks the ids up; gives, for each newMessage, the seqid stored under its id.</summary>
    private long?[] CheckRoomForIds(SqliteTransactionScope scope, SqliteLog[] logs)
    {
        var now = scope.IdTime;
        var known = new long?[messages.Count];
        var fresh = new Dictionary<SqliteLog, HashSet<string>>();
        for (var i = 0; i < known.Length; i++)
        {
            if (messages[i].Id is not { } id) continue;
            known[i] = AddedId(logs[i], id);
            if (known[i] is not null) continue;
            known[i] = scope.Session.FindId(logs[i].Pending.Id, id, now, out var forgotten);
            if (forgotten) logs[i].ForgetIds(1);
            if (known[i] is not null) continue;
            if (!fresh.TryGetValue(logs[i], out var ids)) fresh[logs[i]] = ids = new HashSet<string>(StringComparer.Ordinal);
            ids.Add(id);
        }

        foreach (var (log, ids) in fresh)
        {
            if (log.Ids < 0) log.Ids = scope.Session.CountIds(log.Pending.Id) - log.AddedIds.Count;
            if (ids.Count <= RoomForIds(scope, log)) continue;
            scope.ForgetIds(ForgottenIds);
            if (ids.Count > RoomForIds(scope, log)) throw TooManyIds(scope, log);
        }

        return known;
    }

    /// <summary>How many more ids a channel may have: up to its own bound, and to as many as are free in all, so that none takes the room of all others.</summary>
    private static long RoomForIds(SqliteTransactionScope scope, SqliteLog log) =>
        Math.Min(scope.Limits.IdsPerChannel, scope.Limits.Ids - scope.Session.Ids) - log.Ids - log.AddedIds.Count;

    private static LimitException TooManyIds(SqliteTransactionScope scope, SqliteLog log)
    {
        // Looking up the oldest id means looking at each.
        var now = scope.IdTime;
        if (now >= log.IdsFull.LookAgain)
        {
            var expiry = scope.Session.NextIdExpiry(log.Pending.Id) ?? now + (long)LimitException.DefaultRetry.TotalMilliseconds;
            log.IdsFull = (expiry, now + LookInterval);
        }

        var retry = TimeSpan.FromMilliseconds(Math.Max(LookInterval, log.IdsFull.Expiry - now));
        return log.Ids + log.AddedIds.Count >= scope.Limits.IdsPerChannel
            ? new LimitException("id", $"id: channel '{log.Name}' remembers its {scope.Limits.IdsPerChannel} ids already.", retry, "Limits:IdsPerChannel")
            : new LimitException("id", $"id: the server has room for {scope.Limits.Ids} ids, and channel '{log.Name}' has its share of them.", retry, "Limits:Ids", isGlobal: true);
    }
}
