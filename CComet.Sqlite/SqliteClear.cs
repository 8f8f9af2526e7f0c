using CComet.Messages;
using CComet.Storage;

namespace CComet.Sqlite;

/// <summary>Drops the messages and the ids of one channel, and gives its row another epoch.</summary>
/// <remarks>
/// The row stays, so that no other channel gets another epoch: it is forgotten as that of any channel without messages. The rows of the
/// messages are deleted in the one transaction, which takes as long as there are many.
/// </remarks>
internal sealed class SqliteClear(string channel) : SqliteWrite<LogHead?>
{
    protected override LogHead? Write(SqliteTransactionScope scope)
    {
        var log = scope.Touch(channel);
        if (log.Pending.Next == 0)
        {
            scope.Untouch([log]);
            return null;
        }

        // What this transaction has added so far is in the file, and counted, once the row says so.
        scope.MoveEnds();
        var row = log.Pending;
        var before = new LogHead(row.Epoch, scope.FirstKept(row with { First = scope.Session.FindById(row.Id)!.Value.First }), row.Next);
        var epoch = Epoch.New();
        scope.Session.ClearChannel(row.Id, epoch, scope.Now.ToUnixTimeMilliseconds());
        log.Clear(epoch);
        return before;
    }
}
