using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace CComet.Bench.Load;

/// <summary>One HTTP connection of the load, which reads answers as they come; one lane's thread has it to itself.</summary>
internal abstract class Connection : IDisposable
{
    private const long Endless = long.MaxValue;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private byte[] _rest = [];
    private State _state = State.Head;
    private bool _isChunked;
    private long _left;

    private enum State
    {
        Head,
        Body,
        ChunkSize,
        ChunkEnd,
    }

    /// <summary>Its number in the operating system.</summary>
    public int Descriptor => (int)_socket.Handle;

    protected EndPoint RemoteEndPoint => _socket.RemoteEndPoint!;

    /// <summary>Whether it waits for messages, as far as its side can know.</summary>
    public bool IsReady { get; protected set; }

    /// <summary>Connects, and asks.</summary>
    public void Start(int port)
    {
        // Closed by a reset: tens of thousands of connections in TIME_WAIT would leave no port for the next workload.
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Connect(IPAddress.Loopback, port);
        Ask();
    }

    /// <summary>Bytes came, good during the call only.</summary>
    public void Receive(ReadOnlySpan<byte> bytes)
    {
        if (_rest.Length > 0)
        {
            bytes = (byte[])[.. _rest, .. bytes];
            _rest = [];
        }

        while (!bytes.IsEmpty && TryStep(ref bytes)) { }
        if (!bytes.IsEmpty) _rest = bytes.ToArray();
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>Sends the first request.</summary>
    protected abstract void Ask();

    /// <summary>The head of an answer came.</summary>
    protected abstract void OnHead(int status, ReadOnlySpan<byte> head);

    /// <summary>Some of its body came.</summary>
    protected abstract void OnBody(ReadOnlySpan<byte> bytes);

    /// <summary>The answer is complete.</summary>
    protected abstract void OnEnd();

    protected void Send(ReadOnlySpan<byte> request) => Native.Send(Descriptor, request);

    /// <summary>The value of a header in a head.</summary>
    public static ReadOnlySpan<byte> Header(ReadOnlySpan<byte> head, ReadOnlySpan<byte> name)
    {
        var at = head.IndexOf(name);
        if (at < 0) return default;
        var value = head[(at + name.Length)..];
        return value[..value.IndexOf((byte)'\r')];
    }

    /// <summary>False: more must come first.</summary>
    private bool TryStep(ref ReadOnlySpan<byte> bytes)
    {
        switch (_state)
        {
            case State.Head:
                var end = bytes.IndexOf("\r\n\r\n"u8);
                if (end < 0) return false;
                var head = bytes[..(end + 2)];
                bytes = bytes[(end + 4)..];
                Began(head);
                return true;
            case State.Body:
                var part = bytes[..(int)Math.Min(bytes.Length, _left)];
                bytes = bytes[part.Length..];
                if (_left != Endless) _left -= part.Length;
                OnBody(part);
                if (_left == 0) Ended();
                return true;
            case State.ChunkSize:
                var line = bytes.IndexOf("\r\n"u8);
                if (line < 0) return false;
                _left = int.Parse(bytes[..line], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                bytes = bytes[(line + 2)..];
                _state = _left == 0 ? State.ChunkEnd : State.Body;
                return true;
            default:
                if (bytes.Length < 2) return false;
                bytes = bytes[2..];
                _state = State.ChunkSize;
                if (_left == 0) Complete();
                return true;
        }
    }

    private void Began(ReadOnlySpan<byte> head)
    {
        if (!head.StartsWith("HTTP/1.1 "u8) || !Utf8Parser.TryParse(head["HTTP/1.1 ".Length..], out int status, out _)) throw new InvalidOperationException("No answer of HTTP.");
        _isChunked = head.IndexOf("Transfer-Encoding: chunked"u8) >= 0;
        _left = Utf8Parser.TryParse(Header(head, "Content-Length: "u8), out long length, out _) ? length : status == 204 ? 0 : Endless;
        _state = _isChunked ? State.ChunkSize : State.Body;
        OnHead(status, head);
        if (!_isChunked && _left == 0) Complete();
    }

    private void Ended()
    {
        if (!_isChunked)
        {
            Complete();
            return;
        }

        // The end of a chunk that was not the last.
        _left = -1;
        _state = State.ChunkEnd;
    }

    private void Complete()
    {
        _state = State.Head;
        OnEnd();
    }
}
