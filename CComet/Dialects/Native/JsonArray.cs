using System.Buffers;
using System.IO.Pipelines;

namespace CComet.Dialects.Native;

/// <summary>Writes ready JSON elements as one array. The bytes are shared by every subscriber and copied only onto the wire.</summary>
internal static class JsonArray
{
    /// <summary>How much is written before the reader must have taken some of it: a slow reader holds this much memory, not the whole answer.</summary>
    internal const int FlushBytes = 16 << 10;

    /// <summary>The content type of plain answers.</summary>
    public const string ContentType = "application/json; charset=utf-8";

    /// <summary>An empty array and a newline.</summary>
    public static ReadOnlySpan<byte> Empty => "[]\n"u8;

    /// <summary>The end of an array that is a whole answer: a newline is behind it, so that what comes next in a terminal or a file begins a line.</summary>
    public static ReadOnlySpan<byte> LineEnd => "]\n"u8;

    /// <summary>The length of what <see cref="WriteAsync"/> writes, in bytes.</summary>
    public static long Length(IReadOnlyList<ReadOnlyMemory<byte>> elements)
    {
        long length = 1 + LineEnd.Length + Math.Max(0, elements.Count - 1);
        for (var i = 0; i < elements.Count; i++) length += elements[i].Length;
        return length;
    }

    /// <summary>A small array and a newline as bytes.</summary>
    public static byte[] LineOf(IReadOnlyList<ReadOnlyMemory<byte>> elements)
    {
        var array = new byte[Length(elements)];
        array[0] = (byte)'[';
        LineEnd.CopyTo(array.AsSpan(array.Length - LineEnd.Length));
        var at = 1;
        for (var i = 0; i < elements.Count; i++)
        {
            if (i > 0) array[at++] = (byte)',';
            elements[i].CopyTo(array.AsMemory(at));
            at += elements[i].Length;
        }

        return array;
    }

    /// <summary>Writes the array and a newline.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="elements">Each a JSON value, or several joined by commas.</param>
    public static async ValueTask WriteAsync(PipeWriter output, IReadOnlyList<ReadOnlyMemory<byte>> elements)
    {
        output.Write("["u8);
        for (var i = 0; i < elements.Count; i++)
        {
            if (i > 0) output.Write(","u8);
            for (var rest = elements[i]; rest.Length > 0;)
            {
                var part = rest[..Math.Min(rest.Length, FlushBytes)];
                output.Write(part.Span);
                rest = rest[part.Length..];
                if (output.UnflushedBytes >= FlushBytes) await output.FlushAsync();
            }
        }

        output.Write(LineEnd);

        // Not left to the server: Kestrel does not flush what follows an earlier flush when the length was announced.
        await output.FlushAsync();
    }
}
