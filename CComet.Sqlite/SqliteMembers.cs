using CComet.Messages;
using CComet.Storage;

namespace CComet.Sqlite;

/// <summary>Changes who holds the members of a log of presence, and appends what that tells, in one transaction.</summary>
internal sealed class SqliteMembers(string log, string holder, IReadOnlyList<MemberChange> changes, int maxMembers) : SqliteWrite<IReadOnlyList<int>>
{
    /// <summary>Reads the members of a log as they stand at one moment.</summary>
    public static MemberList Read(SqliteReader reader, string log, bool withMembers, DateTimeOffset now, string? epoch) => reader.AtOnce(() =>
    {
        var head = reader.Head(log, now, epoch);
        if (!withMembers) return new MemberList(head, reader.List("SELECT COUNT(*) FROM members WHERE log = $log", row => row.GetInt32(0), ("$log", log))[0], []);
        var members = reader.List(
            "SELECT member, since, info FROM members WHERE log = $log",
            row => new Member(row.GetString(0), row.GetInt64(1), row.GetFieldValue<byte[]>(2)),
            ("$log", log));
        return new MemberList(head, members.Count, members);
    });

    /// <summary>Reads the names of all holders.</summary>
    public static IReadOnlyList<string> ReadHolders(SqliteReader reader) => reader.List(
        // A step of the index for each holder: a plain DISTINCT looks at every row.
        """
        WITH RECURSIVE holders (holder) AS (
            SELECT MIN(holder) FROM holds UNION ALL SELECT (SELECT MIN(holder) FROM holds WHERE holder > holders.holder) FROM holders WHERE holder IS NOT NULL
        )
        SELECT holder FROM holders WHERE holder IS NOT NULL
        """,
        row => row.GetString(0));

    /// <summary>Reads some of what a holder holds.</summary>
    public static IReadOnlyList<(string Log, string Member)> ReadHeld(SqliteReader reader, string holder, int most) => reader.List(
        "SELECT log, member FROM holds WHERE holder = $holder LIMIT $most",
        row => (row.GetString(0), row.GetString(1)),
        ("$holder", holder),
        ("$most", most));

    protected override IReadOnlyList<int> Write(SqliteTransactionScope scope)
    {
        var session = scope.Session;
        var count = session.List("SELECT COUNT(*) FROM members WHERE log = $log", row => row.GetInt32(0), ("$log", log))[0];
        var plan = new MemberPlan(log, changes, count, maxMembers, member => session.List(
            "SELECT COUNT(*), COALESCE(SUM(holder = $holder), 0) FROM holds WHERE log = $log AND member = $member",
            row => (row.GetInt32(0), row.GetInt32(1) > 0),
            ("$log", log),
            ("$member", member),
            ("$holder", holder))[0]);
        var receipts = plan.Messages.Count == 0 ? [] : new SqliteAppend(plan.Messages).AppendTo(scope);
        foreach (var (change, told) in plan.Steps(receipts)) Apply(session, change, told);
        return plan.Refused;
    }

    private void Apply(SqliteSession session, MemberChange change, Message? told)
    {
        ReadOnlySpan<(string, object?)> hold = [("$log", log), ("$member", change.Member), ("$holder", holder)];
        if (!change.IsHeld)
        {
            session.Run("DELETE FROM holds WHERE log = $log AND member = $member AND holder = $holder", hold);
            if (told is not null) session.Run("DELETE FROM members WHERE log = $log AND member = $member", hold[..2]);
            return;
        }

        session.Run("INSERT INTO holds (log, member, holder) VALUES ($log, $member, $holder)", hold);
        if (told is null) return;
        session.Run(
            "INSERT INTO members (log, member, since, info) VALUES ($log, $member, $since, $info)",
            ("$log", log),
            ("$member", change.Member),
            ("$since", told.Time),
            ("$info", change.Info.ToArray()));
    }
}
