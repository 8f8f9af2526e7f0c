using StackExchange.Redis;

namespace CComet.Redis;

/// <summary>
/// The runs of a server whose data its present run has whole, as far as can be known: each restart from an append-only file
/// adds itself; a run that may lack what its predecessor acknowledged starts a new list. It is kept beside the data and
/// goes where the data goes, so that a log that is first touched long after a failover still finds out that there was one.
/// </summary>
/// <remarks>Where it is missing, every log of an earlier run begins a new epoch: an operator that restores an old copy deletes it.</remarks>
internal static class RedisLineage
{
    /// <summary>As many restarts are remembered; a log that none of them has touched begins a new epoch.</summary>
    private const int MaxRuns = 64;

    /// <summary>One of the keys under which it may be, in one or another slot.</summary>
    public static RedisKey Key(int number) => $"ccomet:lineage:{number}";

    /// <summary>Reads it, entering this run.</summary>
    /// <param name="database">Where it is.</param>
    /// <param name="key">Under which key.</param>
    /// <param name="run">The server's run_id.</param>
    /// <param name="isBroken">Whether this run may lack what its predecessor acknowledged.</param>
    public static async Task<string[]> OfAsync(IDatabase database, RedisKey key, string run, bool isBroken)
    {
        var known = await database.StringGetAsync(key, CommandFlags.DemandMaster);
        string[] line = known.IsNullOrEmpty ? [] : known.ToString().Split(' ');
        if (line is [.., var last] && last == run) return line;

        // Nodes that come at once enter the same.
        line = isBroken ? [run] : [.. line.Where(r => r != run).TakeLast(MaxRuns - 1), run];
        await database.StringSetAsync(key, string.Join(' ', line), flags: CommandFlags.DemandMaster);
        return line;
    }
}
