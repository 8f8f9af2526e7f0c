using System.Buffers;
using System.Text;

namespace CComet.Storage;

/// <summary>The bounds of records, the same in every store; see <see cref="IRecordStore"/>.</summary>
internal static class RecordBounds
{
    /// <summary>How many characters a kind has at most.</summary>
    public const int KindLength = 64;

    /// <summary>How many characters a name has at most.</summary>
    public const int NameLength = 1_000;

    /// <summary>How many bytes a value has at most.</summary>
    public const int ValueBytes = 64 << 10;

    /// <summary>How many records of one kind there may be.</summary>
    public const int RecordsOfAKind = 10_000;

    private static readonly SearchValues<char> OfKinds = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.");

    /// <summary>Checks what is put.</summary>
    /// <exception cref="ArgumentException">Something is out of its bounds.</exception>
    public static void Check(string kind, string name, ReadOnlyMemory<byte> value)
    {
        Check(kind);
        if (name.Length is 0 or > NameLength) throw new ArgumentException($"A name has 1 to {NameLength} characters.", nameof(name));

        // It would come back as another name.
        if (!IsWellFormed(name)) throw new ArgumentException("A name has no half of a surrogate pair.", nameof(name));
        if (value.Length > ValueBytes) throw new ArgumentException($"A value has at most {ValueBytes} bytes.", nameof(value));
    }

    /// <summary>Checks the kind of what is read.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static void Check(string kind)
    {
        if (kind.Length is 0 or > KindLength || kind.AsSpan().ContainsAnyExcept(OfKinds))
            throw new ArgumentException($"A kind has 1 to {KindLength} ASCII letters, digits, '-' or '.'.", nameof(kind));
    }

    /// <summary>Makes the refusal of one record more.</summary>
    public static LimitException TooMany(string kind) =>
        new("kind", $"kind: the store keeps its {RecordsOfAKind} records of the kind '{kind}' already.", LimitException.DefaultRetry);

    private static bool IsWellFormed(string name)
    {
        for (ReadOnlySpan<char> rest = name; rest.Length > 0;)
        {
            if (Rune.DecodeFromUtf16(rest, out _, out var read) != OperationStatus.Done) return false;
            rest = rest[read..];
        }

        return true;
    }
}
