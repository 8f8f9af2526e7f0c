using System.Buffers;

namespace CComet.Simulator.Wire;

/// <summary>Bytes that wait for more; holds an array of the pool only while there are any, so that an idle connection holds none.</summary>
internal sealed class ByteStore
{
    /// <summary>More than any answer of a sane server; what grows beyond is cut off.</summary>
    private const int MaxLength = 64 * 1024 * 1024;

    private byte[]? _array;

    public int Length { get; private set; }

    /// <summary>What is held; good until the next call.</summary>
    public ReadOnlySpan<byte> Span => _array.AsSpan(0, Length);

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return;
        var length = Length + bytes.Length;
        if (length > MaxLength) throw new WireException("an answer is longer than 64 MiB");
        if (_array is null || _array.Length < length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(length, Length * 2));
            Span.CopyTo(larger);
            if (_array is not null) ArrayPool<byte>.Shared.Return(_array);
            _array = larger;
        }

        bytes.CopyTo(_array.AsSpan(Length));
        Length = length;
    }

    /// <summary>Forgets the first bytes.</summary>
    public void Consume(int count)
    {
        if (count >= Length)
        {
            Clear();
            return;
        }

        _array.AsSpan(count, Length - count).CopyTo(_array);
        Length -= count;
    }

    public void Clear()
    {
        if (_array is not null) ArrayPool<byte>.Shared.Return(_array);
        _array = null;
        Length = 0;
    }
}
