using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace CComet.Access;

/// <summary>Remembers the grants of tokens that were verified, by SHA-256, so that the next request with one costs a look-up and no signature.</summary>
/// <remarks>
/// Two generations: a sweep every minute, or an addition when the younger is full, drops the older and puts the younger in its place. What
/// was not used for one to two minutes is forgotten without a time kept for each, so that a stream, which shows its token once, leaves
/// nothing here. Of the hash, 128 bits are the key.
/// </remarks>
internal sealed class GrantCache(TimeProvider time)
{
    /// <summary>How many grants a generation holds.</summary>
    private const int MaxCount = 50_000;

    /// <summary>A token that is no longer is hashed from the stack, in bytes.</summary>
    private const int MaxStackBytes = 2048;

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private volatile ConcurrentDictionary<UInt128, Grant> _young = new();
    private volatile ConcurrentDictionary<UInt128, Grant> _old = new();
    private long _turnedAt = time.GetTimestamp();
    private int _version;

    /// <summary>Changes whenever all is forgotten: what was verified before has to be verified again.</summary>
    public int Version => Volatile.Read(ref _version);

    /// <summary>Returns the key of a token.</summary>
    public static UInt128 KeyOf(ReadOnlySpan<char> token)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        var most = Encoding.UTF8.GetMaxByteCount(token.Length);
        Span<byte> bytes = most <= MaxStackBytes ? stackalloc byte[MaxStackBytes] : new byte[most];
        SHA256.HashData(bytes[..Encoding.UTF8.GetBytes(token, bytes)], hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }

    /// <summary>Returns the grant of a token that was verified and has not expired; null otherwise.</summary>
    public Grant? Find(UInt128 key)
    {
        if (!_young.TryGetValue(key, out var grant))
        {
            if (!_old.TryGetValue(key, out grant)) return null;
            Add(key, grant);
        }

        return time.GetUtcNow().ToUnixTimeMilliseconds() < grant.ExpiresAt ? grant : null;
    }

    /// <summary>Remembers the grant of a token.</summary>
    public void Add(UInt128 key, Grant grant)
    {
        if (_young.Count >= MaxCount) Turn(Volatile.Read(ref _turnedAt));
        _young[key] = grant;
    }

    /// <summary>Forgets all, as the keys have changed.</summary>
    public void Clear()
    {
        Interlocked.Increment(ref _version);
        (_young, _old) = (new(), new());
    }

    /// <summary>Forgets what was not used for a minute or two.</summary>
    public void Sweep()
    {
        var turnedAt = Volatile.Read(ref _turnedAt);
        if (time.GetElapsedTime(turnedAt) >= Interval) Turn(turnedAt);
    }

    private void Turn(long turnedAt)
    {
        if (Interlocked.CompareExchange(ref _turnedAt, time.GetTimestamp(), turnedAt) != turnedAt) return;
        _old = _young;
        _young = new();
    }
}
