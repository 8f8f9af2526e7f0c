using System.Buffers;

namespace CComet.Transports;

/// <summary>What has come of a frame or a message: one buffer, at most twice as large as what is in it.</summary>
internal struct WebSocketPayload
{
    private byte[]? _bytes;

    /// <summary>How much has come, in bytes.</summary>
    public int Length { get; private set; }

    /// <summary>Adds a part of a frame's payload, unmasked.</summary>
    /// <param name="masked">The part as it came.</param>
    /// <param name="mask">The frame's mask, its first byte the highest.</param>
    /// <param name="offset">Where in the frame's payload the part begins.</param>
    public void Append(in ReadOnlySequence<byte> masked, uint mask, long offset)
    {
        if (masked.IsEmpty) return;
        var end = Length + (int)masked.Length;
        if (_bytes is null || _bytes.Length < end) Array.Resize(ref _bytes, Math.Max(end, 2 * Length));
        var added = _bytes.AsSpan(Length..end);
        masked.CopyTo(added);
        for (var i = 0; i < added.Length; i++) added[i] ^= (byte)(mask >> (24 - (8 * (int)((offset + i) & 3))));
        Length = end;
    }

    /// <summary>Gives all that has come, and begins with nothing.</summary>
    public ReadOnlyMemory<byte> Take()
    {
        var taken = _bytes.AsMemory(0, Length);
        this = default;
        return taken;
    }
}
