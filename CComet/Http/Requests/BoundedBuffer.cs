using System.Buffers;
using CComet.Dialects.Native;

namespace CComet.Http.Requests;

/// <summary>Collects bytes in an array of the shared pool, which grows with them up to a bound; disposing gives it back.</summary>
/// <param name="maxBytes">How many bytes are taken.</param>
/// <param name="expected">As many are expected at least.</param>
internal sealed class BoundedBuffer(int maxBytes, int expected) : IDisposable
{
    private const int MinBytes = 1 << 10;

    private byte[] _array = ArrayPool<byte>.Shared.Rent(Math.Max(MinBytes, Math.Min(expected, maxBytes)));
    private int _length;

    /// <summary>What was written. Good until the buffer is written to or disposed.</summary>
    public ReadOnlyMemory<byte> Written => _array.AsMemory(0, _length);

    /// <summary>Returns room for more, at least one byte.</summary>
    /// <param name="beyond">How many bytes over the bound are taken, because they will be cut off again.</param>
    /// <exception cref="WireException">413: the bound is passed.</exception>
    public Span<byte> Free(int beyond)
    {
        var most = (int)Math.Min(int.MaxValue, (long)maxBytes + beyond + 1);
        if (_length == most) throw TooLong();
        if (_length == _array.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(2L * _length, most));
            Written.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_array);
            _array = larger;
        }

        return _array.AsSpan(_length, Math.Min(_array.Length, most) - _length);
    }

    /// <summary>Counts what was written to the room.</summary>
    public void Advance(int bytes) => _length += bytes;

    /// <summary>Cuts a text off the end; false when it is not there.</summary>
    public bool TryCut(ReadOnlySpan<byte> text)
    {
        if (!Written.Span.EndsWith(text)) return false;
        _length -= text.Length;
        return true;
    }

    /// <summary>Throws when more was written than is taken.</summary>
    /// <exception cref="WireException">413: the bound is passed.</exception>
    public void ThrowIfOver()
    {
        if (_length > maxBytes) throw TooLong();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_array);
        _array = [];
        _length = 0;
    }

    private WireException TooLong() => WireException.TooLarge("body", $"decodes to more than the limit of {maxBytes} bytes.");
}
