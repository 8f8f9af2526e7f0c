using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;

namespace CComet.Kestrel.Parking;

/// <summary>
/// Writes to a parked connection. It holds a buffer only from the first byte written to the last byte that the kernel takes, and after that
/// nothing, as it waits most of the time.
/// </summary>
/// <remarks>One method writes at a time. While a flush is not over, what is left of it is the table's, under the slot's lock.</remarks>
internal abstract class BesideOutput(int slot) : PipeWriter
{
    private const int UsualBytes = 2 << 10;

    /// <summary>The longest line that says how long a chunk is.</summary>
    private const int FrameBytes = 10;

    /// <summary>What ends a chunk.</summary>
    private const int LineEndBytes = 2;

    private byte[]? _buffer;
    private int _start;
    private int _end;

    /// <summary>Where the chunk that is being written begins; 0 while there is none, or the answer has none.</summary>
    private int _chunkAt;
    private bool _isChunked;
    private TaskCompletionSource? _flushing;

    /// <summary>Its slot.</summary>
    public int Slot => slot;

    /// <summary>Whether the connection is closed, or another's. Set under the slot's lock.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Whether a flush waits for the client. The caller holds the slot's lock.</summary>
    public bool IsFlushing => _flushing is not null;

    /// <summary>What the kernel has not been given.</summary>
    public ReadOnlySpan<byte> Unsent => _buffer.AsSpan(_start, _end - _start);

    /// <inheritdoc/>
    public override bool CanGetUnflushedBytes => true;

    /// <inheritdoc/>
    public override long UnflushedBytes => _end - _start;

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        Grow(sizeHint);
        return _buffer.AsMemory(_end..^LineEndBytes);
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        Grow(sizeHint);
        return _buffer.AsSpan(_end..^LineEndBytes);
    }

    /// <inheritdoc/>
    public override void Advance(int bytes) => _end += bytes;

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        EndChunk();
        if (_end == _start)
        {
            Drop();
            return default;
        }

        return TrySend() is { } flushing ? FlushAsync(flushing) : default;
    }

    /// <inheritdoc/>
    public override void CancelPendingFlush() => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null) => throw new NotSupportedException();

    /// <summary>Takes what the kernel has taken off what is not sent.</summary>
    public void Sent(int bytes) => _start += bytes;

    /// <summary>Begins to wait for the client. The caller holds the slot's lock.</summary>
    public Task BeginFlush() => (_flushing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>Gives the buffer back, whose bytes are the kernel's or not wanted any more, and ends a flush that waits. The caller holds the slot's lock.</summary>
    public void EndFlush()
    {
        var flushing = _flushing;
        Drop();
        _flushing = null;
        flushing?.SetResult();
    }

    /// <summary>Drops what it holds. The caller is the one that writes, or holds the slot's lock while a flush waits.</summary>
    public void Drop()
    {
        if (_buffer is { } buffer) ArrayPool<byte>.Shared.Return(buffer);
        _buffer = null;
        (_start, _end, _chunkAt) = (0, 0, 0);
    }

    /// <summary>Notes that the connection is closed. The caller holds the slot's lock.</summary>
    public virtual void Close()
    {
        IsClosed = true;
        if (IsFlushing) EndFlush();
    }

    /// <summary>Sends what is not sent; null when the kernel has taken it, or the connection is closed.</summary>
    protected abstract Task? TrySend();

    /// <summary>What is written from here on is framed as chunks, a chunk for each flush.</summary>
    protected void BeginChunks() => _isChunked = true;

    /// <summary>Ends the answer, and returns once the kernel has all of it.</summary>
    protected async ValueTask EndAnswerAsync()
    {
        if (_isChunked)
        {
            EndChunk();
            _isChunked = false;
            this.Write(ParkedAnswers.StreamEnd);
        }

        await FlushAsync();
    }

    private static async ValueTask<FlushResult> FlushAsync(Task flushing)
    {
        await flushing;
        return default;
    }

    private void Grow(int sizeHint)
    {
        // Before what is asked for there is room for the beginning of a chunk, and behind all that is given for its end.
        var wanted = _end + Math.Max(sizeHint, 1) + FrameBytes + LineEndBytes;
        if (_buffer is null)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(wanted, UsualBytes));
        }
        else if (_buffer.Length < wanted)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(wanted, _buffer.Length * 2));
            _buffer.AsSpan(0, _end).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        if (!_isChunked || _chunkAt > 0) return;
        _end += FrameBytes;
        _chunkAt = _end;
    }

    /// <summary>Writes the length of the chunk before it, and moves what is written before that up to it.</summary>
    private void EndChunk()
    {
        if (_chunkAt == 0) return;
        var length = _end - _chunkAt;
        var before = _chunkAt - FrameBytes;
        if (length == 0)
        {
            _end = before;
        }
        else
        {
            Span<byte> line = stackalloc byte[FrameBytes];
            var count = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{length:X}\r\n"), line);
            var buffer = _buffer!;
            var gap = FrameBytes - count;
            buffer.AsSpan(_start, before - _start).CopyTo(buffer.AsSpan(_start + gap));
            _start += gap;
            line[..count].CopyTo(buffer.AsSpan(before + gap));
            "\r\n"u8.CopyTo(buffer.AsSpan(_end));
            _end += LineEndBytes;
        }

        _chunkAt = 0;
    }
}
