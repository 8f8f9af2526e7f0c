using CComet.Simulator.Wire;

namespace CComet.Simulator.Clients;

/// <summary>A WebSocket on which the server tells, and the client answers pings.</summary>
internal sealed class WebSocketSession : Session, IWebSocketSink
{
    private readonly WebSocketReader _reader;

    public WebSocketSession(Subscriber subscriber, Link link)
        : base(subscriber, link) => _reader = new WebSocketReader(this);

    public override void Begin() => SendOpening("/ws"u8, WebSocketWriter.Handshake);

    public override void Head(HttpHead head)
    {
        Expect(101, head);
        if (!head.WebSocketAccept.SequenceEqual(WebSocketWriter.Accept)) throw new WireException("the WebSocket handshake was answered with another key");
    }

    public override void Body(ReadOnlySpan<byte> piece) => _reader.StreamLoop(piece);

    public void Frame(WebSocketOpcode opcode, ReadOnlySpan<byte> payload)
    {
        switch (opcode)
        {
            case WebSocketOpcode.Text:
                MessageScanner.Scan(payload, Subscriber);
                break;
            case WebSocketOpcode.Ping:
                Answer(WebSocketOpcode.Pong, payload);
                break;
            case WebSocketOpcode.Close:
                Answer(WebSocketOpcode.Close, payload);
                End();
                break;
            default:
                break;
        }
    }

    private void Answer(WebSocketOpcode opcode, ReadOnlySpan<byte> payload)
    {
        Span<byte> frame = stackalloc byte[131];
        Link.Send(frame[..WebSocketWriter.WriteControl(frame, opcode, payload)]);
    }
}
