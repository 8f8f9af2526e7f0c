using System.Buffers;
using System.Globalization;

namespace CComet.Transports;

/// <summary>A piece of an answer of HTTP/1.1 whose length is not known when it begins (RFC 9112, section 7.1).</summary>
internal static class Chunk
{
    /// <summary>Eight digits at most, and two ends of lines.</summary>
    private const int MaxFrameBytes = 12;

    private static ReadOnlySpan<byte> LineEnd => "\r\n"u8;

    /// <summary>The piece with its length before it. It may not be empty, which would say that the answer is over.</summary>
    public static byte[] Encode(ReadOnlySpan<byte> piece)
    {
        var chunk = new ArrayBufferWriter<byte>(piece.Length + MaxFrameBytes);
        Write(chunk, piece);
        return chunk.WrittenSpan.ToArray();
    }

    /// <summary>Writes the piece so.</summary>
    public static void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> piece)
    {
        piece.Length.TryFormat(output.GetSpan(MaxFrameBytes), out var written, "X", CultureInfo.InvariantCulture);
        output.Advance(written);
        output.Write(LineEnd);
        output.Write(piece);
        output.Write(LineEnd);
    }
}
