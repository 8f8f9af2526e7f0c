using CComet.Simulator.Checks;
using CComet.Simulator.Wire;

namespace CComet.Simulator.Clients;

/// <summary>How a subscriber follows its channel.</summary>
internal enum TransportKind
{
    /// <summary>Long polls of <c>/sub</c>.</summary>
    Poll,

    /// <summary>Long polls of <c>/sub?callback=</c>.</summary>
    Jsonp,

    /// <summary><c>/sse</c>.</summary>
    Sse,

    /// <summary><c>/stream</c>, JSON lines.</summary>
    Stream,

    /// <summary><c>/ws</c>.</summary>
    Ws,
}

/// <summary>One connection of a subscriber, from its first request until it ends. It is driven by the bytes that come, and never waits.</summary>
internal abstract class Session : ILinkReceiver, IHttpSink
{
    private readonly HttpResponseParser _parser;

    protected Session(Subscriber subscriber, Link link)
    {
        Subscriber = subscriber;
        Link = link;
        _parser = new HttpResponseParser(this);
    }

    protected Subscriber Subscriber { get; }

    protected Link Link { get; }

    public static Session For(TransportKind kind, Subscriber subscriber, Link link) => kind switch
    {
        TransportKind.Poll => new PollSession(subscriber, link),
        TransportKind.Jsonp => new JsonpSession(subscriber, link),
        TransportKind.Sse => new EventStreamSession(subscriber, link),
        TransportKind.Stream => new LineSession(subscriber, link),
        _ => new WebSocketSession(subscriber, link),
    };

    /// <summary>Sends the first request.</summary>
    public abstract void Begin();

    public void Receive(ReadOnlySpan<byte> bytes) => _parser.StreamLoop(bytes);

    public abstract void Head(HttpHead head);

    public abstract void Body(ReadOnlySpan<byte> piece);

    /// <summary>A stream is over when its response is.</summary>
    public virtual void End() => throw new WireException("the server ended the stream", Subscriber.ToldRetry);

    /// <summary>Sends the request that opens a stream.</summary>
    /// <param name="path">Such as <c>/sse</c>.</param>
    /// <param name="headers">More headers, each with its line end.</param>
    protected void SendOpening(ReadOnlySpan<byte> path, ReadOnlySpan<byte> headers)
    {
        var request = new RequestText(stackalloc byte[RequestText.MaxLength]);
        request.Subscribe(Subscriber.Target, path, Subscriber.Book);
        request.Place(Subscriber.Checker);
        request.Add(Subscriber.Target.RequestEnd);
        request.Add(headers);
        request.Add("\r\n"u8);
        Link.Send(request.Written);
    }

    /// <summary>Goes on only with the status that a subscription has.</summary>
    protected static void Expect(int status, HttpHead head)
    {
        if (head.Status != status) throw new WireException($"a subscription was answered {head.Status}", head.RetryMilliseconds);
    }

    /// <summary>Takes a cursor apart, <c>epoch:seqid</c>; false when it is none.</summary>
    protected bool TryReadCursor(ReadOnlySpan<byte> text, out EpochName epoch, out long seqid)
    {
        var colon = text.LastIndexOf((byte)':');
        if (colon > 0 && System.Buffers.Text.Utf8Parser.TryParse(text[(colon + 1)..], out seqid, out var used) && used == text.Length - colon - 1)
        {
            epoch = Subscriber.Book.Intern(text[..colon]);
            return true;
        }

        (epoch, seqid) = (null!, -1);
        return false;
    }
}
