using System.Buffers;
using System.Text;

namespace CComet.Transports;

/// <summary>A piece of an answer of HTTP/1.1 whose length is not known when it begins (RFC 9112, section 7.1).</summary>
internal static class Chunk
{
    private static ReadOnlySpan<byte> LineEnd => "\r\n"u8;

    /// <summary>The piece with its length before it. It may not be empty, which would say that the answer is over.</summary>
    public static byte[] Encode(ReadOnlySpan<byte> piece)
    {
        var chunk = new ArrayBufferWriter<byte>(piece.Length + 12);
        Encoding.ASCII.GetBytes($"{piece.Length:X}", chunk);
        chunk.Write(LineEnd);
        chunk.Write(piece);
        chunk.Write(LineEnd);
        return chunk.WrittenSpan.ToArray();
    }
}
