using System.Buffers;
using System.Globalization;
using System.Text;

namespace CComet.Messages;

/// <summary>Writes text in UTF-8 without making strings of it.</summary>
internal static class TextWriting
{
    private const int MostDigits = 20;

    /// <summary>Writes a text.</summary>
    public static void Put(this IBufferWriter<byte> output, string text) => Encoding.UTF8.GetBytes(text, output);

    /// <summary>Writes a whole number in decimal digits.</summary>
    public static void Put(this IBufferWriter<byte> output, long number)
    {
        number.TryFormat(output.GetSpan(MostDigits), out var written, provider: CultureInfo.InvariantCulture);
        output.Advance(written);
    }

    /// <summary>Writes a cursor in one channel, as <see cref="Cursor.ToString"/> does.</summary>
    public static void Put(this IBufferWriter<byte> output, in Cursor cursor)
    {
        output.Put(cursor.Epoch ?? "");
        output.Write(":"u8);
        if (cursor.Seqid is { } seqid) output.Put(seqid);
    }
}
