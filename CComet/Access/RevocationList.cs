using System.Collections.Concurrent;
using CComet.Messages;

namespace CComet.Access;

/// <summary>The revocations that this node knows.</summary>
internal sealed class RevocationList
{
    private readonly ConcurrentDictionary<string, long> _users = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<ulong, long> _ids = new();
    private readonly ConcurrentDictionary<string, long> _channels = new(StringComparer.Ordinal);
    private volatile bool _any;

    /// <summary>Whether there is any. Where there is none, which is nearly always, nothing else is asked.</summary>
    public bool Any => _any;

    /// <summary>How many there are.</summary>
    public int Count => _users.Count + _ids.Count + _channels.Count;

    /// <summary>Adds one; false when it was known.</summary>
    public bool Add(Revocation revocation)
    {
        var isNew = revocation.Subject switch
        {
            RevocationSubject.Sub => Put(_users, revocation.Value, revocation.At),
            RevocationSubject.Jti => Put(_ids, Grant.HashId(revocation.Value), revocation.At),
            _ => Put(_channels, revocation.Value, revocation.At),
        };
        _any = true;
        return isNew;
    }

    /// <summary>Drops those made before a moment, in Unix seconds: no token that they are about still holds.</summary>
    public void DropBefore(long seconds)
    {
        Drop(_users, seconds);
        Drop(_ids, seconds);
        Drop(_channels, seconds);
        if (Count == 0) _any = false;
    }

    /// <summary>Whether a grant was revoked whole.</summary>
    public bool Covers(Grant grant)
    {
        if (!_any || grant.IsAnonymous) return false;
        return (grant.Id != 0 && _ids.ContainsKey(grant.Id)) || (grant.User is not null && _users.TryGetValue(grant.User, out var at) && grant.IssuedAt <= at);
    }

    /// <summary>Whether what a grant gives on a channel was revoked: with it goes what it gives on the log of who is there.</summary>
    public bool Covers(Grant grant, string channel) =>
        _any && !grant.IsAnonymous && _channels.TryGetValue(Names.FindPresenceOf(channel) ?? channel, out var at) && grant.IssuedAt <= at;

    private static bool Put<TKey>(ConcurrentDictionary<TKey, long> list, TKey key, long at)
        where TKey : notnull
    {
        var isNew = false;
        list.AddOrUpdate(key, _ => Note(at), (_, known) => at > known ? Note(at) : known);
        return isNew;

        long Note(long value)
        {
            isNew = true;
            return value;
        }
    }

    private static void Drop<TKey>(ConcurrentDictionary<TKey, long> list, long seconds)
        where TKey : notnull
    {
        foreach (var entry in list)
        {
            if (entry.Value < seconds) list.TryRemove(entry);
        }
    }
}
