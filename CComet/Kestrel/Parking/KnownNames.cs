using System.Text;
using CComet.Messages;

namespace CComet.Kestrel.Parking;

/// <summary>Names that were seen of late, so that a request that repeats one makes no text of it.</summary>
internal sealed class KnownNames
{
    /// <summary>A power of two.</summary>
    private const int Places = 4096;

    private readonly string?[] _names = new string?[Places];

    /// <summary>Returns the name that ASCII characters are; null when they are none.</summary>
    public string? Find(ReadOnlySpan<byte> ascii)
    {
        if (ascii.Length is 0 or > Names.MaxLength) return null;
        var hash = default(HashCode);
        hash.AddBytes(ascii);

        // One of the two that have the same place takes it from the other. A write that another thread does not see costs it a text.
        ref var place = ref _names[hash.ToHashCode() & (Places - 1)];
        if (place is { } known && Ascii.Equals(ascii, known)) return known;
        var name = Encoding.ASCII.GetString(ascii);
        return Names.FindProblem(name) is null ? place = name : null;
    }
}
