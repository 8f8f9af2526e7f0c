using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace CComet.Storage.Memory;

/// <summary>What an idempotency id is remembered by: 128 bits, however long the id is.</summary>
/// <remarks>
/// SHA-256 over a random key of this process and the id, cut to 128 bits. Two ids that are taken for one would lose a message, so
/// nobody must be able to make such a pair: without the key nobody can tell one, and by chance it takes 2^64 ids at a time.
/// </remarks>
internal readonly record struct IdHash(ulong High, ulong Low)
{
    private const int KeyLength = 16;
    private const int MaxOnStack = 1_024;

    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(KeyLength);

    public static IdHash Create(string id)
    {
        var text = MemoryMarshal.AsBytes(id.AsSpan());
        Span<byte> keyed = KeyLength + text.Length <= MaxOnStack ? stackalloc byte[KeyLength + text.Length] : new byte[KeyLength + text.Length];
        Key.CopyTo(keyed);
        text.CopyTo(keyed[KeyLength..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(keyed, hash);
        var halves = MemoryMarshal.Cast<byte, ulong>(hash);
        return new IdHash(halves[0], halves[1]);
    }

    /// <summary>The bits are evenly spread already.</summary>
    public override int GetHashCode() => (int)Low;
}

/// <summary>
/// The idempotency ids of one log and what was stored under each, about 100 bytes an id. None is forgotten before its time: it is a promise.
/// Not safe for use by several threads: the log's lock guards it.
/// </summary>
internal sealed class RememberedIds
{
    private const int MinCapacity = 64;

    private readonly Dictionary<IdHash, long> _seqids = [];
    private readonly Queue<(IdHash Id, long Expires)> _order = new();

    public int Count => _order.Count;

    /// <summary>When the oldest is forgotten; <see cref="long.MaxValue"/> when there is none.</summary>
    public long NextExpiry => _order.TryPeek(out var oldest) ? oldest.Expires : long.MaxValue;

    public bool TryGet(IdHash id, out long seqid) => _seqids.TryGetValue(id, out seqid);

    public void Add(IdHash id, long seqid, long expires)
    {
        _seqids.Add(id, seqid);
        _order.Enqueue((id, expires));
    }

    /// <summary>Forgets the ids whose time is over.</summary>
    public void Forget(long now)
    {
        var before = _order.Count;
        while (_order.TryPeek(out var oldest) && oldest.Expires <= now)
        {
            _seqids.Remove(oldest.Id);
            _order.Dequeue();
        }

        if (_order.Count < before && _seqids.Capacity > MinCapacity && _order.Count < _seqids.Capacity / 4)
        {
            _seqids.TrimExcess(Math.Max(MinCapacity, _order.Count * 2));
            _order.TrimExcess(Math.Max(MinCapacity, _order.Count * 2));
        }
    }
}
