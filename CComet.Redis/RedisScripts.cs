using System.Globalization;

namespace CComet.Redis;

/// <summary>
/// What is done to a channel in Redis, each time atomically. The keys of a channel are its head (a hash: epoch, next, first,
/// bytes, the time of the newest and of the oldest message, on which run of the server it was last touched, and when it was
/// last written to, 0 for one that was only asked for), its log (a stream: message n has the id 1-n), and the ids that are remembered (by
/// their end, and what was stored under each). All of them are in one hash slot.
/// </summary>
internal static class RedisScripts
{
    /// <summary>
    /// Opens a channel. When the server is not the one that was here last, messages may be gone that had been acknowledged, and
    /// their numbers would be given again: then the log begins a new epoch. That is so when this run does not follow from the
    /// one that was here, and, whatever is known of that, when it was up while its predecessor still took appends, which only
    /// a replica is.
    /// </summary>
    private const string Common = """
        local RUN, LINE, UP_SINCE = '$run', { $line }, $upSince

        local function text(n) return string.format('%.0f', n) end

        -- The epoch of a channel without a head, which is the same for all of them and for every node. It does not last as long as a head
        -- does, nor longer than a run of the server: a log that is forgotten or lost never comes back under it.
        local function base(key, fresh, ttl)
          local run, epoch = string.match(redis.call('GET', key) or '', '^(%w+):(%w+)$')
          if run == RUN then return epoch end
          redis.call('SET', key, RUN .. ':' .. fresh, 'PX', ttl)
          return fresh
        end

        local function create(keys, h)
          -- What takes memory comes first: a full Redis refuses it only as long as the script has changed nothing.
          redis.call('HSET', keys.head, 'epoch', h.epoch, 'next', 0, 'first', 0, 'bytes', 0, 'time', 0, 'oldest', 0, 'run', RUN, 'at', 0)
          redis.call('DEL', keys.log, keys.ids, keys.idseq)
          h.new = false
        end

        local function open(keys, fresh)
          local v = redis.call('HMGET', keys.head, 'epoch', 'next', 'first', 'bytes', 'time', 'oldest', 'run', 'at')
          local h = { epoch = v[1], next = tonumber(v[2]), first = tonumber(v[3]), bytes = tonumber(v[4]), time = tonumber(v[5]), oldest = tonumber(v[6]), at = tonumber(v[8]) }
          if not h.epoch then return { epoch = fresh, next = 0, first = 0, bytes = 0, time = 0, oldest = 0, at = 0, new = true } end
          if v[7] ~= RUN then
            if not LINE[v[7]] or UP_SINCE < tonumber(v[8]) then
              h.epoch = fresh
              redis.call('HSET', keys.head, 'epoch', fresh)
            end
            redis.call('HSET', keys.head, 'run', RUN)
          end
          if h.first < h.next and redis.call('EXISTS', keys.log) == 0 then h.first, h.bytes = h.next, 0 end
          return h
        end

        local function size(seqid, opening, time) return #opening + #text(seqid) + #time + 9 end

        -- Drops the oldest messages until the bounds hold; the newest stays however large it is, but not however old. A bound
        -- that was made much smaller is met step by step, lest everybody wait for it.
        local function trim(keys, h, now, most)
          local first, from = h.first, '-'
          local function over()
            local count = h.next - h.first
            return count > 0 and (count > most.messages or (h.bytes > most.bytes and count > 1) or h.oldest < now - most.age)
          end
          for _ = 1, 1000 do
            if not over() then break end
            local entries = redis.call('XRANGE', keys.log, from, '+', 'COUNT', 17)
            for i = 1, #entries do
              local time = entries[i][2][4]
              h.oldest = tonumber(time)
              if i == 17 or not over() then break end
              h.bytes = h.bytes - size(h.first, entries[i][2][2], time)
              h.first = h.first + 1
              if i == #entries then h.oldest = math.huge end
            end
            if #entries == 0 then h.first, h.bytes = h.next, 0 end
            from = '1-' .. text(h.first)
          end
          if h.first > first then redis.call('XTRIM', keys.log, 'MINID', '1-' .. text(h.first)) end
          if h.first == h.next then h.oldest = 0 end
          return h.first > first
        end

        local function save(keys, h)
          redis.call('HSET', keys.head, 'next', text(h.next), 'first', text(h.first), 'bytes', text(h.bytes), 'time', text(h.time), 'oldest', text(h.oldest))
        end

        local function serverTime()
          local clock = redis.call('TIME')
          return clock[1] .. string.format('%03d', math.floor(tonumber(clock[2]) / 1000))
        end

        local function keysOf(i)
          return { head = KEYS[4 * i - 3], log = KEYS[4 * i - 2], ids = KEYS[4 * i - 1], idseq = KEYS[4 * i] }
        end

        local function add(c, opening, now, fresh, baseKey, baseTtl)
          local h = c.h
          if h.new then
            if baseKey then h.epoch = base(baseKey, fresh, baseTtl) end
            create(c.keys, h)
          end
          local seqid = h.next
          h.time = math.max(h.time, now)
          if h.first == h.next then h.oldest = h.time end
          redis.call('XADD', c.keys.log, '1-' .. text(seqid), 'o', opening, 't', text(h.time))
          h.next, h.bytes, c.added = seqid + 1, h.bytes + size(seqid, opening, text(h.time)), c.added + 1
          return seqid
        end

        -- Keeps a log that was appended to within its bounds, and wakes those that follow it.
        local function finish(c, now, most, clock, headTtl, logTtl, publish, prefix)
          if c.added == 0 then return end
          trim(c.keys, c.h, now, most)
          save(c.keys, c.h)
          redis.call('HSET', c.keys.head, 'at', clock)
          redis.call('PEXPIRE', c.keys.head, headTtl)
          redis.call('PEXPIRE', c.keys.log, logTtl)
          redis.call(publish, prefix .. string.sub(c.keys.head, 1, -5) .. 'wake', c.h.epoch .. ':' .. text(c.h.next))
        end

        """;

    /// <summary>
    /// Appends messages, in order, all or none; KEYS hold four keys for each channel, and the one of the channels without a head where there
    /// is one. Gives <c>ok</c> and, for each message, epoch, seqid, time, and whether it was a duplicate; or <c>ids</c>, the channel that has no room
    /// for ids, and when its oldest is forgotten.
    /// </summary>
    private const string AppendText = """
        local now, fresh = tonumber(ARGV[1]), ARGV[2]
        local most = { messages = tonumber(ARGV[3]), bytes = tonumber(ARGV[4]), age = tonumber(ARGV[5]), ids = tonumber(ARGV[7]) }
        local memory, headTtl, logTtl, publish, prefix, baseTtl = tonumber(ARGV[6]), ARGV[8], ARGV[9], ARGV[10], ARGV[11], ARGV[12]
        local FIRST, EACH = 13, 3
        local channels = {}
        for i = 1, math.floor(#KEYS / 4) do
          local keys = keysOf(i)
          channels[i] = { keys = keys, h = open(keys, fresh), known = {}, new = 0, added = 0 }
        end

        local function known(c, id)
          if c.known[id] == nil then
            local v = redis.call('HGET', c.keys.idseq, id)
            local seqid, ends = string.match(v or '', '^(%d+):(%d+)$')
            c.known[id] = seqid and tonumber(ends) > now and tonumber(seqid) or false
            if not c.known[id] then c.new = c.new + 1 end
          end
          return c.known[id]
        end

        local function forget(c, count)
          local old = redis.call('ZRANGEBYSCORE', c.keys.ids, '-inf', now, 'LIMIT', 0, count)
          if #old == 0 then return false end
          redis.call('ZREM', c.keys.ids, unpack(old))
          redis.call('HDEL', c.keys.idseq, unpack(old))
          return true
        end

        for a = FIRST, #ARGV, EACH do
          if ARGV[a + 1] ~= '' then known(channels[tonumber(ARGV[a])], ARGV[a + 1]) end
        end
        for i, c in ipairs(channels) do
          if c.new > 0 then
            forget(c, 100)
            while redis.call('ZCARD', c.keys.ids) + c.new > most.ids do
              if not forget(c, 1000) then
                local oldest = redis.call('ZRANGE', c.keys.ids, 0, 0, 'WITHSCORES')
                return { 'ids', i, oldest[2] and math.floor(tonumber(oldest[2])) or now }
              end
            end
          end
        end

        local answer = { 'ok' }
        for a = FIRST, #ARGV, EACH do
          local c, id, opening = channels[tonumber(ARGV[a])], ARGV[a + 1], ARGV[a + 2]
          local h, seqid, duplicate = c.h, nil, 0
          if id ~= '' and c.known[id] then
            seqid, duplicate = c.known[id], 1
          else
            seqid = add(c, opening, now, fresh, #KEYS % 4 == 1 and KEYS[#KEYS], baseTtl)
            if id ~= '' then
              c.known[id] = seqid
              redis.call('ZADD', c.keys.ids, now + memory, id)
              redis.call('HSET', c.keys.idseq, id, text(seqid) .. ':' .. text(now + memory))
              redis.call('PEXPIRE', c.keys.ids, 2 * memory)
              redis.call('PEXPIRE', c.keys.idseq, 2 * memory)
            end
          end
          for _, v in ipairs({ h.epoch, seqid, h.time, duplicate }) do answer[#answer + 1] = v end
        end

        local clock = serverTime()
        for _, c in ipairs(channels) do finish(c, now, most, clock, headTtl, logTtl, publish, prefix) end
        return answer
        """;

    /// <summary>
    /// Reads from a seqid on. Gives epoch, first, next and, for each message, seqid, time and opening. A channel without a head gets none,
    /// where there is an epoch for such; elsewhere one that lives for a while.
    /// </summary>
    private const string ReadText = """
        local now, fresh, age, from, bytes, ttl, baseTtl = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6], ARGV[7]
        local keys = keysOf(1)
        local h = open(keys, fresh)
        if h.new then
          if KEYS[5] then return { base(KEYS[5], fresh, baseTtl), 0, 0 } end
          create(keys, h)
        end
        if h.next == 0 and h.at == 0 then redis.call('PEXPIRE', keys.head, ttl) end
        if trim(keys, h, now, { messages = math.huge, bytes = math.huge, age = age }) then save(keys, h) end
        local answer = { h.epoch, h.first, h.next }
        local next = math.max(from, h.first)
        while next < h.next do
          local entries = redis.call('XRANGE', keys.log, '1-' .. text(next), '+', 'COUNT', 64)
          if #entries == 0 then return answer end
          for _, entry in ipairs(entries) do
            local opening, time = entry[2][2], entry[2][4]
            bytes = bytes - size(next, opening, time)
            if bytes < 0 and #answer > 3 then return answer end
            answer[#answer + 1] = next
            answer[#answer + 1] = tonumber(time)
            answer[#answer + 1] = opening
            next = next + 1
          end
        end
        return answer
        """;

    /// <summary>
    /// Begins a new epoch when the log is shorter than a node has seen it in this one. A log that is gone had the epoch of the channels
    /// without a head, or that has changed already: then it changes for all of them.
    /// </summary>
    private const string RenewText = """
        local keys = keysOf(1)
        local h = open(keys, ARGV[3])
        if h.new and KEYS[5] then
          redis.call('DEL', KEYS[5])
          return 0
        end
        if h.new then create(keys, h) end
        if h.next == 0 and h.at == 0 then redis.call('PEXPIRE', keys.head, ARGV[4]) end
        if h.epoch == ARGV[1] and h.next < tonumber(ARGV[2]) then redis.call('HSET', keys.head, 'epoch', ARGV[3]) end
        return h.next
        """;

    /// <summary>
    /// Drops all messages and ids of a channel and begins a new epoch. Gives epoch, first and next as they were, or nothing when nothing was
    /// stored in this epoch. The head stays as long as that of a channel with messages, so that the log does not come back under the epoch of
    /// the channels without a head, under which it may have begun. A full Redis lets it: what frees memory comes first.
    /// </summary>
    private const string ClearText = """
        local now, fresh, age, headTtl, publish, prefix = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
        local keys = keysOf(1)
        local v = redis.call('HMGET', keys.head, 'epoch', 'next', 'first', 'bytes', 'oldest')
        local h = { next = tonumber(v[2]), first = tonumber(v[3]), bytes = tonumber(v[4]), oldest = tonumber(v[5]) }
        if not v[1] or h.next == 0 then return {} end
        if redis.call('EXISTS', keys.log) == 0 then h.first = h.next end
        trim(keys, h, now, { messages = math.huge, bytes = math.huge, age = age })
        redis.call('UNLINK', keys.log, keys.ids, keys.idseq)
        redis.call('HSET', keys.head, 'epoch', fresh, 'next', 0, 'first', 0, 'bytes', 0, 'time', 0, 'oldest', 0, 'run', RUN, 'at', serverTime())
        redis.call('PEXPIRE', keys.head, headTtl)
        redis.call(publish, prefix .. string.sub(keys.head, 1, -5) .. 'wake', fresh .. ':0')
        return { v[1], h.first, h.next }
        """;

    /// <summary>
    /// Puts a record into the hash of its kind, and its end into the sorted set beside it; drops those that have expired by the clock of the
    /// node and by that of the server, so that a node whose clock is ahead drops none early. Gives 0 when the kind has no room. Nothing of it
    /// has a time to live: no policy that evicts only keys with one takes it away.
    /// </summary>
    private const string PutRecordText = """
        local values, ends, name, value, expires, most = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[5])
        local now = math.min(tonumber(ARGV[4]), tonumber(serverTime()))

        local function drop()
          local old = redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 1000)
          if #old == 0 then return end
          redis.call('HDEL', values, unpack(old))
          redis.call('ZREM', ends, unpack(old))
        end

        if redis.call('HEXISTS', values, name) == 0 and redis.call('HLEN', values) >= most then
          drop()
          if redis.call('HLEN', values) >= most then return 0 end
        end
        redis.call('HSET', values, name, expires .. ':' .. value)
        if expires == '' then redis.call('ZREM', ends, name) else redis.call('ZADD', ends, expires, name) end
        drop()
        return 1
        """;

    /// <summary>
    /// Has a holder hold members of a log, or let go of them, and appends what that tells. KEYS are those of the log, the members (a hash: by
    /// how many each is held, since when, and what is told of it), and who holds them (a hash), then the key of the channels without a head
    /// where there is one. None of the two has a time to live. Gives the indexes of the changes that were not made because the log has its members.
    /// </summary>
    private const string ChangeMembersText = """
        local now, fresh = tonumber(ARGV[1]), ARGV[2]
        local most = { messages = tonumber(ARGV[3]), bytes = tonumber(ARGV[4]), age = tonumber(ARGV[5]) }
        local headTtl, logTtl, publish, prefix, baseTtl, holder, maxMembers = ARGV[8], ARGV[9], ARGV[10], ARGV[11], ARGV[12], ARGV[13], tonumber(ARGV[14])
        local FIRST, EACH = 15, 4
        local members, holds = KEYS[5], KEYS[6]
        local keys = keysOf(1)
        local c = { keys = keys, h = open(keys, fresh), added = 0 }
        local refused = {}
        for a = FIRST, #ARGV, EACH do
          local member, isHeld, info, opening = ARGV[a], ARGV[a + 1] == '1', ARGV[a + 2], ARGV[a + 3]
          local hold = holder .. '\n' .. member
          local isOwn = redis.call('HEXISTS', holds, hold) == 1
          local count, rest = string.match(redis.call('HGET', members, member) or '', '^(%d+)(:.*)$')
          if isHeld and not isOwn then
            if not count and redis.call('HLEN', members) >= maxMembers then
              refused[#refused + 1] = (a - FIRST) / EACH
            else
              redis.call('HSET', holds, hold, '')
              if count then
                redis.call('HSET', members, member, text(tonumber(count) + 1) .. rest)
              else
                add(c, opening, now, fresh, KEYS[7], baseTtl)
                redis.call('HSET', members, member, '1:' .. text(c.h.time) .. ':' .. info)
              end
            end
          elseif isOwn and not isHeld then
            redis.call('HDEL', holds, hold)
            if count and tonumber(count) > 1 then
              redis.call('HSET', members, member, text(tonumber(count) - 1) .. rest)
            elseif count then
              redis.call('HDEL', members, member)
              add(c, opening, now, fresh, KEYS[7], baseTtl)
            end
          end
        end
        finish(c, now, most, serverTime(), headTtl, logTtl, publish, prefix)
        return refused
        """;

    /// <summary>
    /// Reads the members of a log and its bounds, with the keys of <see cref="ChangeMembersText"/>. Gives epoch, first, next, how many members
    /// there are and, when they are wanted, the hash of them.
    /// </summary>
    private const string ReadMembersText = """
        local now, fresh, age, ttl, baseTtl, wanted = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
        local keys = keysOf(1)
        local h = open(keys, fresh)
        if h.new then
          if KEYS[7] then h.epoch = base(KEYS[7], fresh, baseTtl) else create(keys, h) end
        elseif trim(keys, h, now, { messages = math.huge, bytes = math.huge, age = age }) then
          save(keys, h)
        end
        if h.next == 0 and h.at == 0 then redis.call('PEXPIRE', keys.head, ttl) end
        return { h.epoch, h.first, h.next, redis.call('HLEN', KEYS[5]), wanted == '1' and redis.call('HGETALL', KEYS[5]) or {} }
        """;

    /// <summary>
    /// Renews the lease of a holder in the hash of all (by holder: its end by the clock of the server, and on which run it was renewed), or, with
    /// an empty name, gives those that have run out. One of another run is not renewed: the server may have lost what was held by it.
    /// </summary>
    private const string LeaseText = """
        local leases, holder, life, isNew = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
        local now = tonumber(serverTime())
        if holder == '' then
          local lapsed, all = {}, redis.call('HGETALL', leases)
          for i = 1, #all, 2 do
            if tonumber(string.match(all[i + 1], '^(%d+):')) <= now then lapsed[#lapsed + 1] = all[i] end
          end
          return lapsed
        end
        local ends, run = string.match(redis.call('HGET', leases, holder) or '', '^(%d+):(%w+)$')
        if not isNew and (run ~= RUN or tonumber(ends) <= now) then return 0 end
        redis.call('HSET', leases, holder, text(now + life) .. ':' .. RUN)
        return 1
        """;

    /// <summary>The scripts, in the order of <see cref="RedisScript"/>, for one run of one server: no other has them by these names.</summary>
    /// <param name="run">The server's run_id.</param>
    /// <param name="line">The runs whose data it has, and itself.</param>
    /// <param name="upSince">When it was started, in milliseconds of its own clock.</param>
    public static IReadOnlyList<string> For(string run, IEnumerable<string> line, long upSince)
    {
        var common = Common
            .Replace("$run", run, StringComparison.Ordinal)
            .Replace("$line", string.Join(", ", line.Select(r => $"['{r}'] = true")), StringComparison.Ordinal)
            .Replace("$upSince", upSince.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        string[] texts =
        [
            AppendText, ReadText, RenewText, ClearText, PutRecordText, ChangeMembersText, ReadMembersText, LeaseText,
            RedisCursorScripts.Lease, RedisCursorScripts.Release, RedisCursorScripts.Read, RedisCursorScripts.Save,
        ];
        return [.. texts.Select(text => common + text)];
    }
}
