using System.Globalization;
using CComet.Messages;
using CComet.Storage;
using StackExchange.Redis;

namespace CComet.Redis;

/// <summary>
/// Keeps who is in channels. What a log's members are, and by how many each is held, is in the log's slot. What a holder holds is in a set
/// of its own, which may be in another slot: it is added to before a member is held, and taken from after it was let go of, so that it may
/// name too much but never too little.
/// </summary>
internal sealed class RedisMembers(IDatabase database, RedisServers servers)
{
    private const string Leases = "ccomet:presence:leases";

    /// <summary>Between the log and the member; no name has a control character.</summary>
    private const char Separator = '\n';

    /// <inheritdoc cref="IPresenceStore.ChangeMembersAsync"/>
    /// <param name="log">The log.</param>
    /// <param name="settings">The arguments of the script that stand before the holder.</param>
    /// <param name="holder">The holder.</param>
    /// <param name="changes">The changes.</param>
    /// <param name="maxMembers">How many members the log may have.</param>
    public async ValueTask<IReadOnlyList<int>> ChangeAsync(string log, IEnumerable<RedisValue> settings, string holder, IReadOnlyList<MemberChange> changes, int maxMembers)
    {
        var held = HeldBy(holder);
        RedisValue[] added = [.. changes.Where(change => change.IsHeld).Select(change => Entry(log, change.Member))];
        if (added.Length > 0) await TryAsync(() => database.SetAddAsync(held, added));
        List<RedisValue> arguments = [.. settings, holder, maxMembers];
        foreach (var change in changes)
        {
            var message = change.IsHeld ? PresenceMessages.Join(log, change) : PresenceMessages.Leave(log, change);
            arguments.AddRange([change.Member, change.IsHeld, change.Info, MessageRecord.EncodeOpening(message)]);
        }

        var refused = (int[])(await servers.RunAsync(RedisScript.ChangeMembers, KeysOf(log), [.. arguments]))!;
        RedisValue[] removed = [.. changes.Where(change => !change.IsHeld).Select(change => Entry(log, change.Member))];
        if (removed.Length > 0) await TryAsync(() => database.SetRemoveAsync(held, removed));
        return refused;
    }

    /// <inheritdoc cref="IPresenceStore.ReadMembersAsync"/>
    public async ValueTask<MemberList> ReadAsync(string log, IEnumerable<RedisValue> settings, bool withMembers)
    {
        var answer = (RedisResult[])(await servers.RunAsync(RedisScript.ReadMembers, KeysOf(log), [.. settings, withMembers]))!;
        var fields = (RedisResult[])answer[4]!;
        var members = new Member[fields.Length / 2];
        for (var i = 0; i < members.Length; i++) members[i] = Parse((string)fields[2 * i]!, (byte[])fields[(2 * i) + 1]!);
        return new MemberList(new LogHead((string)answer[0]!, (long)answer[1], (long)answer[2]), (int)answer[3], members);
    }

    /// <inheritdoc cref="IPresenceStore.RenewLeaseAsync"/>
    public async ValueTask<bool> RenewAsync(string holder, TimeSpan life, bool isNew) =>
        (int)await servers.RunAsync(RedisScript.Lease, [Leases], [holder, (long)life.TotalMilliseconds, isNew]) == 1;

    /// <inheritdoc cref="IPresenceStore.ReadLapsedAsync"/>
    public async ValueTask<IReadOnlyList<string>> ReadLapsedAsync() => (string[])(await servers.RunAsync(RedisScript.Lease, [Leases], ["", 0, false]))!;

    /// <inheritdoc cref="IPresenceStore.ReadHeldAsync"/>
    public async ValueTask<IReadOnlyList<(string Log, string Member)>> ReadHeldAsync(string holder, int most)
    {
        var entries = await TryAsync(() => database.SetRandomMembersAsync(HeldBy(holder), most, CommandFlags.DemandMaster));
        return [.. entries.Select(entry => Split((string)entry!))];
    }

    /// <inheritdoc cref="IPresenceStore.ForgetHolderAsync"/>
    public async ValueTask ForgetAsync(string holder) => await TryAsync(() => database.HashDeleteAsync(Leases, holder));

    private static async ValueTask<T> TryAsync<T>(Func<Task<T>> command)
    {
        try
        {
            return await command();
        }
        catch (Exception e) when (RedisServers.IsFailure(e))
        {
            throw RedisServers.Unavailable(e);
        }
    }

    private static Member Parse(string name, ReadOnlySpan<byte> kept)
    {
        kept = kept[(kept.IndexOf((byte)':') + 1)..];
        var colon = kept.IndexOf((byte)':');
        return new Member(name, long.Parse(kept[..colon], NumberStyles.None, CultureInfo.InvariantCulture), kept[(colon + 1)..].ToArray());
    }

    private static (string Log, string Member) Split(string entry)
    {
        var at = entry.IndexOf(Separator, StringComparison.Ordinal);
        return (entry[..at], entry[(at + 1)..]);
    }

    private static string Entry(string log, string member) => $"{log}{Separator}{member}";

    private static RedisKey HeldBy(string holder) => $"ccomet:presence:held:{holder}";

    private RedisKey[] KeysOf(string log)
    {
        var keys = new RedisKeys(log).OfMembers;
        return servers.HasUnwritten ? keys : keys[..^1];
    }
}
