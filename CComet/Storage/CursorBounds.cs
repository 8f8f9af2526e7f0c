using System.Buffers;

namespace CComet.Storage;

/// <summary>The bounds of readers and what they save, the same in every store; see <see cref="ICursorStore"/>.</summary>
internal static class CursorBounds
{
    /// <summary>How many characters the name of a reader or a holder has at most.</summary>
    public const int NameLength = 64;

    /// <summary>How many cursors are saved at once.</summary>
    public const int CursorsOfASave = 1_000;

    private const string LettersAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    private static readonly SearchValues<char> OfReaders = SearchValues.Create(LettersAndDigits + "-_.");
    private static readonly SearchValues<char> OfHolders = SearchValues.Create(LettersAndDigits);

    /// <summary>Whether a text is the name of a reader.</summary>
    public static bool IsReader(string name) => name.Length is > 0 and <= NameLength && !name.AsSpan().ContainsAnyExcept(OfReaders);

    /// <summary>Checks the name of a reader.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static void Check(string reader)
    {
        if (!IsReader(reader))
            throw new ArgumentException($"A reader has 1 to {NameLength} ASCII letters, digits, '-', '_' or '.'.", nameof(reader));
    }

    /// <summary>Checks the names of a reader and a holder.</summary>
    /// <exception cref="ArgumentException">One of them is none.</exception>
    public static void Check(string reader, string holder)
    {
        Check(reader);
        if (holder.Length is 0 or > NameLength || holder.AsSpan().ContainsAnyExcept(OfHolders))
            throw new ArgumentException($"A holder has 1 to {NameLength} ASCII letters or digits.", nameof(holder));
    }

    /// <summary>Checks what is saved.</summary>
    /// <exception cref="ArgumentException">The reader is none, or there are too many cursors.</exception>
    public static void Check(string reader, IReadOnlyList<LogCursor> cursors)
    {
        Check(reader);
        if (cursors.Count > CursorsOfASave) throw new ArgumentException($"At most {CursorsOfASave} cursors are saved at once.", nameof(cursors));
    }
}
