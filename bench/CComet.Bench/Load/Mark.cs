using System.Buffers.Text;
using System.Diagnostics;
using System.Text;

namespace CComet.Bench.Load;

/// <summary>
/// What the messages of the load say: <c>@</c>, the moment they were due, and their number, padded to 64 bytes. Every server passes it on
/// as it is, so that one reader finds it in the form of any of them.
/// </summary>
internal static class Mark
{
    /// <summary>From the sign to the end of the number.</summary>
    public const int Bytes = 1 + TimeDigits + NumberDigits;

    private const int TimeDigits = 16;
    private const int NumberDigits = 8;
    private const int MessageBytes = 64;

    /// <summary>Now, in microseconds of a clock of its own.</summary>
    public static long Now => (long)(Stopwatch.GetTimestamp() * (1e6 / Stopwatch.Frequency));

    public static string Message(long due, int number) => $"@{due:D16}{number:D8}".PadRight(MessageBytes, '.');

    /// <summary>Finds all marks; gives how much of the end may be the beginning of another.</summary>
    public static int Find(ReadOnlySpan<byte> bytes, Action<long, int> found)
    {
        while (bytes.IndexOf((byte)'@') is >= 0 and var at)
        {
            bytes = bytes[at..];
            if (bytes.Length < Bytes) return bytes.Length;
            if (!Utf8Parser.TryParse(bytes.Slice(1, TimeDigits), out long due, out _) || !Utf8Parser.TryParse(bytes.Slice(1 + TimeDigits, NumberDigits), out int number, out _))
                throw new InvalidOperationException($"No mark: {Encoding.UTF8.GetString(bytes[..Bytes])}");
            found(due, number);
            bytes = bytes[Bytes..];
        }

        return 0;
    }
}
