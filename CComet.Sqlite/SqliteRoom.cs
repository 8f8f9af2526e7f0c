using CComet.Storage;

namespace CComet.Sqlite;

/// <summary>
/// Makes room in the file before a publish is refused: for the rows of new channels, for ids, for bytes. The writer's, within
/// its transactions.
/// </summary>
/// <remarks>The rule for bytes is that of <c>MemoryLogs</c>; the classes of size are made when the bound is first met.</remarks>
internal sealed class SqliteRoom(HubOptions options, Uptime uptime)
{
    /// <summary>How many rows are looked at, or trimmed, at a time.</summary>
    private const int StepRows = 1_000;

    /// <summary>How many channels over their time are emptied at a time.</summary>
    private const int StepChannels = 64;

    /// <summary>How often the channels are searched for such, in milliseconds: it takes a look at every row.</summary>
    private const int SearchInterval = 1_000;

    /// <summary>At most so many empty channels are forgotten at a time, since each time all channels without a row get another epoch.</summary>
    private const int MaxForgotten = 64;

    private SizeClasses<long>? _sizes;
    private (long Used, long Id) _hand = (long.MinValue, 0);
    private long _nextSearch;

    /// <summary>How many bytes all channels may take. Set when the file is opened.</summary>
    public long MaxBytes { get; set; } = long.MaxValue;

    /// <summary>Makes sure that so many channels can get a row.</summary>
    /// <exception cref="LimitException">None of the others may go.</exception>
    public void ForChannels(SqliteTransactionScope scope, int fresh)
    {
        var limit = options.Limits.Channels;
        var over = scope.Session.Channels + fresh - limit;
        if (fresh == 0 || over <= 0) return;
        var wanted = (int)Math.Min(Math.Max(over, Math.Clamp(limit / 1_000, 1, MaxForgotten)), StepRows);
        var forgotten = ForgetEmpty(scope, wanted);
        if (forgotten < over && uptime.Now >= _nextSearch)
        {
            _nextSearch = uptime.Now + SearchInterval;
            EmptySome(scope);
            forgotten += ForgetEmpty(scope, wanted);
        }

        if (forgotten < over) throw new LimitException("channel", $"channel: the server keeps its {limit} channels already.", LimitException.DefaultRetry, "Limits:Channels", isGlobal: true);
    }

    /// <summary>Makes sure that so many bytes can be stored.</summary>
    /// <param name="scope">The transaction.</param>
    /// <param name="own">The channel; null when it is of several.</param>
    /// <param name="bytes">What the messages take, about.</param>
    /// <exception cref="LimitException">No channel that is larger can give room.</exception>
    public void ForBytes(SqliteTransactionScope scope, SqliteLog? own, long bytes)
    {
        if (scope.Session.Bytes + bytes <= MaxBytes) return;
        scope.MoveEnds();
        _sizes ??= MeasureAll(scope.Session);
        for (long over; (over = scope.Session.Bytes + bytes - MaxBytes) > 0;)
        {
            var held = own is null ? 0 : scope.Session.SizeOf(own.Pending.Id);
            var top = _sizes.FindLargest(scope.Session.SizeOf, out var largest);
            var giver = top > SizeClasses<long>.ClassOf(held + bytes) ? largest
                : held >= over ? own!.Pending.Id
                : top > SizeClasses<long>.ClassOf(bytes) ? largest
                : throw new LimitException("channel", $"channel: the histories of all channels take their {MaxBytes} bytes, and none is larger than this one would be.", LimitException.DefaultRetry, "History:TotalBytes", isGlobal: true);
            scope.TrimOldest(giver, over, StepRows);
        }
    }

    /// <summary>Notes that a channel has grown.</summary>
    public void Grown(SqliteSession session, long channel) => _sizes?.Raise(channel, session.SizeOf(channel));

    /// <summary>Forgets what was learned in a transaction that never was, or of another file.</summary>
    public void Abandon() => _sizes = null;

    private static SizeClasses<long> MeasureAll(SqliteSession session)
    {
        var sizes = new SizeClasses<long>();
        foreach (var (id, size) in session.List($"SELECT id, {SqliteSession.Size} FROM channels WHERE first < next", r => (Id: r.GetInt64(0), Size: r.GetInt64(1)))) sizes.Raise(id, size);
        return sizes;
    }

    /// <summary>
    /// Forgets channels that have no messages, no ids and no followers, those unused for longest first. Where the last search ended
    /// the next one goes on, so that those that may not go are not passed over each time.
    /// </summary>
    private int ForgetEmpty(SqliteTransactionScope scope, int wanted)
    {
        var looked = Look(scope);
        if (looked.Count == 0)
        {
            _hand = (long.MinValue, 0);
            looked = Look(scope);
        }

        var forgotten = new List<SqliteEmptyChannel>();
        foreach (var channel in looked)
        {
            _hand = (channel.Used, channel.Id);
            if (!channel.HasIds && scope.TryRelease(channel.Name, TimeSpan.Zero)) forgotten.Add(channel);
            if (forgotten.Count == wanted) break;
        }

        scope.Forget(forgotten);
        return forgotten.Count;
    }

    private List<SqliteEmptyChannel> Look(SqliteTransactionScope scope) => scope.FindEmpty("(used, id) > ($after, $id)", StepRows, ("$after", _hand.Used), ("$id", _hand.Id));

    /// <summary>Takes away what channels had whose newest message is over its time, and to which the sweeper has not come yet.</summary>
    private void EmptySome(SqliteTransactionScope scope)
    {
        var cutoff = (scope.Now - options.History.MaxAge).ToUnixTimeMilliseconds();
        var found = scope.Session.List("SELECT id FROM channels WHERE first < next AND used < $cutoff LIMIT $most", r => r.GetInt64(0), ("$cutoff", cutoff), ("$most", StepChannels));
        foreach (var id in found) scope.TrimOverdue(id, StepRows);
    }
}
