using System.Buffers.Text;
using System.Diagnostics;
using System.Net.Sockets;
using CComet.Simulator.Checks;
using CComet.Simulator.Figures;
using CComet.Simulator.Wire;

namespace CComet.Simulator.Clients;

/// <summary>One connection that publishes, one message at a time; it tells when the receipt is there and it is free again.</summary>
/// <param name="target">The server.</param>
/// <param name="padding">How many bytes a message is filled up with, behind its stamp.</param>
/// <param name="meter">Takes the time of receipts.</param>
/// <param name="lines">Counts what goes wrong.</param>
/// <param name="free">Told at first when it has connected, then behind each receipt.</param>
internal sealed class Publisher(Target target, int padding, Meter meter, LineTally lines, Action<Publisher> free) : ILinkReceiver, IHttpSink, IMessageSink
{
    private const int MaxStampLength = 20;

    private readonly byte[] _request = new byte[RequestText.MaxLength + padding];
    private readonly ByteStore _body = new();
    private readonly Lock _lock = new();
    private HttpResponseParser? _parser;
    private Link? _link;
    private ChannelBook? _book;
    private long _stamp;
    private int _status;
    private bool _closes;
    private bool _isToBeFreed = true;
    private volatile bool _isStopped;

    /// <summary>Connects, and again whenever it is cut off, until stopped. A publish that was under way then is not tried again: it may have been stored.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        while (!_isStopped && !cancel.IsCancellationRequested)
        {
            try
            {
                using var link = await Link.ConnectAsync(target.EndPoint, null, cancel);
                _parser = new HttpResponseParser(this);
                _body.Clear();
                Connected(link);
                await link.PumpAsync(this);
                Lost("the server ended the connection");
            }
            catch (Exception e) when (e is WireException or SocketException or ObjectDisposedException or OperationCanceledException)
            {
                Lost(e is SocketException socket ? $"socket: {socket.SocketErrorCode}" : e.Message);
                if (!_isStopped) await Task.Delay(100, CancellationToken.None);
            }
        }
    }

    public void Stop()
    {
        _isStopped = true;
        Volatile.Read(ref _link)?.Dispose();
    }

    /// <summary>Publishes to a channel. Only when it is free.</summary>
    /// <param name="book">The channel.</param>
    /// <param name="stamp">When this was to be sent, in ticks of <see cref="Stopwatch"/>; 0 for a message that is not timed.</param>
    public void Send(ChannelBook book, long stamp)
    {
        Link link;
        lock (_lock)
        {
            meter.Sent();
            if (_link is null)
            {
                Unanswered("publish: not connected");
                _isToBeFreed = true;
                return;
            }

            (_book, _stamp, link) = (book, stamp, _link);
        }

        var text = new RequestText(_request);
        text.Add("POST "u8);
        text.Add(target.Base);
        text.Add("/pub"u8);
        text.Add(target.RequestEnd);
        text.Add("Content-Type: application/json\r\nContent-Length: "u8);

        // The stamp has a fixed width, so that the length is known before it is written.
        text.Add("{\"channel\":\"\",\"msg\":\" \"}"u8.Length + book.NameBytes.Length + MaxStampLength + padding);
        text.Add("\r\n\r\n{\"channel\":\""u8);
        text.Add(book.NameBytes);
        text.Add("\",\"msg\":\""u8);
        Span<byte> digits = stackalloc byte[MaxStampLength];
        Utf8Formatter.TryFormat(stamp, digits, out _, new System.Buffers.StandardFormat('D', MaxStampLength));
        text.Add(digits);
        text.Add(" "u8);
        text.Fill((byte)'x', padding);
        text.Add("\"}"u8);
        try
        {
            link.Send(text.Written);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The connection is gone; its reader finds out, and counts it.
        }
    }

    public void Receive(ReadOnlySpan<byte> bytes) => _parser!.StreamLoop(bytes);

    public void Head(HttpHead head)
    {
        _status = head.Status;
        _closes = head.Closes;
    }

    public void Body(ReadOnlySpan<byte> piece) => _body.Append(piece);

    public void End()
    {
        try
        {
            if (_status == 200) MessageScanner.Scan(_body.Span, this);
            else Unanswered($"a publish was answered {_status}");
        }
        finally
        {
            _body.Clear();
        }

        lock (_lock)
        {
            _book = null;
            _isToBeFreed = _closes;
        }

        if (_closes) throw new WireException("the server ends the connection behind a publish");
        free(this);
    }

    public void Take(in WireMessage message)
    {
        if (message.Kind != MessageKind.Receipt || message.Seqid < 0 || message.Epoch.IsEmpty) throw new WireException("a publish was answered by something that is no receipt");
        _book!.Acked(_book.Intern(message.Epoch), message.Seqid);
        meter.Acknowledged(_stamp);
    }

    /// <summary>A publisher that waited for its answer when the connection broke is free only now; one that was free then still is.</summary>
    private void Connected(Link link)
    {
        bool isToBeFreed;
        lock (_lock)
        {
            _link = link;
            isToBeFreed = _isToBeFreed;
            _isToBeFreed = false;
        }

        if (isToBeFreed) free(this);
    }

    private void Lost(string what)
    {
        lock (_lock)
        {
            _link = null;
            if (_book is null) return;
            Unanswered($"publish: {what}");
            _book = null;
            _isToBeFreed = true;
        }
    }

    private void Unanswered(string what)
    {
        meter.Refused();
        if (!_isStopped) lines.Failed(what);
    }
}
