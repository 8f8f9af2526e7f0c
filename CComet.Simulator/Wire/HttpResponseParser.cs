using System.Buffers.Text;

namespace CComet.Simulator.Wire;

/// <summary>Whom a response is told to, piece by piece.</summary>
internal interface IHttpSink
{
    void Head(HttpHead head);

    /// <summary>A piece of the body, good during the call only.</summary>
    void Body(ReadOnlySpan<byte> piece);

    /// <summary>The response is complete; the next one may follow on the same connection.</summary>
    void End();
}

/// <summary>
/// Reads HTTP/1.1 responses from pieces cut anywhere: by Content-Length, chunked, or until the end of the connection. A body is
/// handed on as it arrives, without a copy. After a 101 everything is body.
/// </summary>
internal sealed class HttpResponseParser(IHttpSink sink)
{
    private readonly Delimited _lines = new();
    private State _state;
    private long _left;

    private enum State
    {
        Head,
        Length,
        ChunkSize,
        ChunkData,
        ChunkEnd,
        Trailers,
        UntilClose,
    }

    /// <summary>Takes what has arrived.</summary>
    /// <exception cref="WireException">It is not HTTP.</exception>
    public void StreamLoop(ReadOnlySpan<byte> input)
    {
        while (!input.IsEmpty)
        {
            switch (_state)
            {
                case State.Head:
                    if (!_lines.TryTake(ref input, "\r\n\r\n"u8, out var head)) return;
                    TakeHead(HttpHead.Parse(head));
                    break;
                case State.Length:
                    if (TakeCounted(ref input)) Complete();
                    break;
                case State.ChunkSize:
                    if (!_lines.TryTake(ref input, "\r\n"u8, out var size)) return;
                    if (!Utf8Parser.TryParse(size, out _left, out _, 'x')) throw new WireException("a chunk's size cannot be read");
                    _state = _left == 0 ? State.Trailers : State.ChunkData;
                    break;
                case State.ChunkData:
                    if (TakeCounted(ref input)) _state = State.ChunkEnd;
                    break;
                case State.ChunkEnd:
                    if (!_lines.TryTake(ref input, "\r\n"u8, out _)) return;
                    _state = State.ChunkSize;
                    break;
                case State.Trailers:
                    if (!_lines.TryTake(ref input, "\r\n"u8, out var trailer)) return;
                    if (trailer.IsEmpty) Complete();
                    break;
                default:
                    sink.Body(input);
                    return;
            }
        }
    }

    private void TakeHead(HttpHead head)
    {
        if (head.Status is >= 100 and < 200 and not 101) return;
        sink.Head(head);
        _left = head.ContentLength;
        if (head.Status == 101) _state = State.UntilClose;
        else if (head.Status is 204 or 304) Complete();
        else if (head.IsChunked) _state = State.ChunkSize;
        else if (_left == 0) Complete();
        else _state = _left > 0 ? State.Length : State.UntilClose;
    }

    /// <summary>Hands on what belongs to the counted part; true when that is complete.</summary>
    private bool TakeCounted(ref ReadOnlySpan<byte> input)
    {
        var count = (int)Math.Min(_left, input.Length);
        sink.Body(input[..count]);
        input = input[count..];
        _left -= count;
        return _left == 0;
    }

    private void Complete()
    {
        _state = State.Head;
        sink.End();
    }
}
