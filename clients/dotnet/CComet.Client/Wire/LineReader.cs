namespace CComet.Client.Wire;

/// <summary>Parts a stream into lines. Works on bytes, so that a character in two chunks needs no care, and looks at each byte once.</summary>
/// <param name="stream">The stream.</param>
/// <param name="maxLength">The longest line, in bytes.</param>
internal sealed class LineReader(Stream stream, int maxLength)
{
    private const int MinBuffer = 16 * 1024;

    private byte[] _buffer = new byte[MinBuffer];
    private int _start;
    private int _end;
    private int _scanned;
    private bool _isBegun;

    /// <summary>Returns the next whole line, without its end. Valid until the next call of <see cref="FillAsync"/>.</summary>
    public bool TryRead(out ReadOnlyMemory<byte> line)
    {
        SkipByteOrderMark();
        var at = _buffer.AsSpan(_scanned, _end - _scanned).IndexOf((byte)'\n');
        if (at < 0)
        {
            _scanned = _end;
            line = default;
            return false;
        }

        var length = _scanned + at - _start;
        if (length > maxLength) throw TooLong();
        line = _buffer.AsMemory(_start, length > 0 && _buffer[_start + length - 1] == '\r' ? length - 1 : length);
        _start = _scanned = _scanned + at + 1;
        return true;
    }

    /// <summary>Reads what comes next.</summary>
    /// <returns>Whether the stream goes on; the beginning of a line that it ended in is lost.</returns>
    /// <exception cref="CCometException">A line is too long.</exception>
    public async ValueTask<bool> FillAsync(CancellationToken cancellation)
    {
        var length = _end - _start;
        if (length > maxLength) throw TooLong();
        if (length == 0 && _buffer.Length > MinBuffer)
        {
            // A long message does not keep its buffer for the life of the stream.
            _buffer = new byte[MinBuffer];
        }
        else if (_start > 0 || _end == _buffer.Length)
        {
            var target = length > _buffer.Length / 2 ? new byte[_buffer.Length * 2] : _buffer;
            Buffer.BlockCopy(_buffer, _start, target, 0, length);
            _buffer = target;
        }

        _scanned -= _start;
        (_start, _end) = (0, length);
#if NET
        var read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellation).ConfigureAwait(false);
#else
        var read = await stream.ReadAsync(_buffer, _end, _buffer.Length - _end, cancellation).ConfigureAwait(false);
#endif
        _end += read;
        return read > 0;
    }

    private void SkipByteOrderMark()
    {
        if (_isBegun || _end - _start < 3) return;
        _isBegun = true;
        if (_buffer[_start] == 0xEF && _buffer[_start + 1] == 0xBB && _buffer[_start + 2] == 0xBF) _start = _scanned = _start + 3;
    }

    private CCometException TooLong() => new($"A message is longer than {maxLength:N0} bytes (MaxMessageBytes).") { IsHopeless = true };
}
