using CComet.Simulator.Checks;
using CComet.Simulator.Wire;

namespace CComet.Simulator.Clients;

/// <summary>
/// Polls one after the other on one connection. The first of all does not wait: its answer shows that the server has taken the
/// connection, and tells the epoch, so that the subscriber has a cursor from the beginning.
/// </summary>
internal class PollSession(Subscriber subscriber, Link link) : Session(subscriber, link)
{
    private readonly ByteStore _body = new();
    private EpochName? _epoch;
    private long _seqid;
    private int _retry;
    private bool _closes;

    /// <summary>What goes between the place and the end of the request's first line.</summary>
    protected virtual ReadOnlySpan<byte> Parameters => default;

    public override void Begin()
    {
        if (Subscriber.Checker.Epoch is not null)
        {
            Ask(false);
            Subscriber.Settled();
        }
        else
        {
            AskFirst();
        }
    }

    public override void Head(HttpHead head)
    {
        Expect(200, head);
        _closes = head.Closes;
        _retry = head.RetryMilliseconds;
        _epoch = null;
        if (!head.Cursor.IsEmpty && TryReadCursor(head.Cursor, out var epoch, out _seqid)) _epoch = epoch;
    }

    public override void Body(ReadOnlySpan<byte> piece) => _body.Append(piece);

    public override void End()
    {
        try
        {
            Scan(_body);
        }
        finally
        {
            _body.Clear();
        }

        if (_epoch is not null) Subscriber.Checker.Cursor(_epoch, _seqid);
        if (_closes || _retry >= 0) throw new WireException("the server ended the poll's connection", _retry);
        Ask(false);
        Subscriber.Settled();
    }

    protected virtual void AskFirst() => Ask(true);

    protected virtual void Scan(ByteStore body) => MessageScanner.Scan(body.Span, Subscriber);

    /// <summary>Sends a poll from where the subscriber stands.</summary>
    private void Ask(bool atOnce)
    {
        var request = new RequestText(stackalloc byte[RequestText.MaxLength]);
        request.Subscribe(Subscriber.Target, "/sub"u8, Subscriber.Book);
        request.Place(Subscriber.Checker);
        request.Add(Parameters);
        if (atOnce) request.Add("&wait=0"u8);
        request.Add(Subscriber.Target.RequestEnd);
        request.Add("\r\n"u8);
        Link.Send(request.Written);
    }
}
