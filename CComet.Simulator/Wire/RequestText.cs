using System.Buffers.Text;
using CComet.Simulator.Checks;

namespace CComet.Simulator.Wire;

/// <summary>Writes a request into bytes that the caller holds, so that a poll costs no garbage.</summary>
internal ref struct RequestText(Span<byte> space)
{
    /// <summary>Room for any request of this tool but the text of a publish.</summary>
    public const int MaxLength = 2048;

    private readonly Span<byte> _space = space;
    private int _length;

    public readonly ReadOnlySpan<byte> Written => _space[.._length];

    public void Add(scoped ReadOnlySpan<byte> text)
    {
        text.CopyTo(_space[_length..]);
        _length += text.Length;
    }

    public void Add(long number)
    {
        Utf8Formatter.TryFormat(number, _space[_length..], out var written);
        _length += written;
    }

    public void Fill(byte with, int count)
    {
        _space.Slice(_length, count).Fill(with);
        _length += count;
    }

    /// <summary>The first line of a subscription, up to where more parameters may follow, each with its <c>&amp;</c>.</summary>
    public void Subscribe(Target target, ReadOnlySpan<byte> path, ChannelBook book)
    {
        Add("GET "u8);
        Add(target.Base);
        Add(path);
        Add("?channel="u8);
        Add(book.NameBytes);
    }

    /// <summary>Where a subscriber stands: its cursor, or its seqid alone as long as it does not know the epoch.</summary>
    public void Place(PromiseChecker checker)
    {
        if (checker.Epoch is { } epoch)
        {
            Add("&cursor="u8);
            Add(epoch.Encoded);
            Add(":"u8);
        }
        else
        {
            Add("&seqid="u8);
        }

        Add(checker.Next);
    }
}
