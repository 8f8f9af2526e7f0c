using System.Collections.Concurrent;

namespace CComet.Channels;

/// <summary>The users whose connections an administrator has ended lately, so that one that did not wait at that moment is ended when it would wait again.</summary>
/// <remarks>
/// Kicks are numbered, and a subscriber keeps the number of its beginning: those that came later are meant for it, and one that comes back is not ended
/// again. Numbers wrap around; a kick is kept for two minutes, which is longer than a write to a slow client may take.
/// </remarks>
/// <param name="time">The clock.</param>
internal sealed class KickList(TimeProvider time)
{
    private static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(2);

    private readonly ConcurrentDictionary<string, (ushort Number, long At)> _users = new(StringComparer.Ordinal);
    private int _number;

    /// <summary>Ends the connections of a user that are in no channel's list as an object of their own, and returns how many they are; null when there are none.</summary>
    public Func<string, int>? Others { get; set; }

    /// <summary>The number of the last kick.</summary>
    public ushort Number => (ushort)Volatile.Read(ref _number);

    /// <summary>Adds a user, and ends what <see cref="Others"/> has of it.</summary>
    /// <returns>How many connections that were.</returns>
    public int Add(string user)
    {
        _users[user] = ((ushort)Interlocked.Increment(ref _number), time.GetTimestamp());
        return Others?.Invoke(user) ?? 0;
    }

    /// <summary>Whether a user was kicked after a kick of a number.</summary>
    public bool Covers(string? user, ushort number) => !_users.IsEmpty && user is not null && _users.TryGetValue(user, out var kick) && (short)(kick.Number - number) > 0;

    /// <summary>Forgets those that have long been ended.</summary>
    public void Sweep()
    {
        foreach (var pair in _users)
        {
            if (time.GetElapsedTime(pair.Value.At) >= KeptFor) _users.TryRemove(pair);
        }
    }
}
