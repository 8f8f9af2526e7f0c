namespace CComet.Redis;

/// <summary>
/// What is done to a reader in Redis, each time atomically; the common part of <see cref="RedisScripts"/> stands before each. The keys of a
/// reader are its lease (a hash: the holder and when it ends by the clock of the server, none when it was released, and the generation) and its
/// cursors (a hash: by log, the epoch and the seqid with a colon between them).
/// </summary>
internal static class RedisCursorScripts
{
    /// <summary>
    /// Renews a lease, or takes it out. Gives the generation, or nothing while another holder has it. Where the server has lost generations,
    /// its time stands above them.
    /// </summary>
    public const string Lease = """
        local lease, holder, life = KEYS[1], ARGV[1], tonumber(ARGV[2])
        local now = tonumber(serverTime())
        local v = redis.call('HMGET', lease, 'holder', 'ends', 'generation')
        local isRunning = v[1] and tonumber(v[2]) > now
        if isRunning and v[1] ~= holder then return false end
        local last = tonumber(v[3] or 0)
        local generation = isRunning and last or math.max(last + 1, now)
        redis.call('HSET', lease, 'holder', holder, 'ends', text(now + life), 'generation', text(generation))
        return generation
        """;

    /// <summary>Ends the lease of a holder; the generation stays.</summary>
    public const string Release = """
        if redis.call('HGET', KEYS[1], 'holder') == ARGV[1] then redis.call('HDEL', KEYS[1], 'holder', 'ends') end
        return 1
        """;

    /// <summary>Reads a page of cursors. Gives the run of the server, where the next page begins, and logs and cursors in turn.</summary>
    public const string Read = """
        local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', 1000)
        return { RUN, page[1], page[2] }
        """;

    /// <summary>
    /// Saves cursors, if the generation is the last one; those that are empty are removed. Gives 0 when it is not. A full Redis refuses all or
    /// none: what takes memory comes first.
    /// </summary>
    public const string Save = """
        if redis.call('HGET', KEYS[1], 'generation') ~= ARGV[1] then return 0 end
        local set, removed = {}, {}
        for a = 2, #ARGV, 2 do
          if ARGV[a + 1] == '' then
            removed[#removed + 1] = ARGV[a]
          else
            set[#set + 1] = ARGV[a]
            set[#set + 1] = ARGV[a + 1]
          end
        end
        if #set > 0 then redis.call('HSET', KEYS[2], unpack(set)) end
        if #removed > 0 then redis.call('HDEL', KEYS[2], unpack(removed)) end
        return 1
        """;
}
