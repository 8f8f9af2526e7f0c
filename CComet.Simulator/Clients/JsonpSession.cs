using CComet.Simulator.Wire;

namespace CComet.Simulator.Clients;

/// <summary>Polls as a page does that cannot see headers: its first has no seqid, and is answered by CURSOR at once.</summary>
internal sealed class JsonpSession(Subscriber subscriber, Link link) : PollSession(subscriber, link)
{
    protected override ReadOnlySpan<byte> Parameters => "&callback=c"u8;

    protected override void AskFirst()
    {
        var request = new RequestText(stackalloc byte[RequestText.MaxLength]);
        request.Subscribe(Subscriber.Target, "/sub"u8, Subscriber.Book);
        request.Add(Parameters);
        request.Add(Subscriber.Target.RequestEnd);
        request.Add("\r\n"u8);
        Link.Send(request.Written);
    }

    protected override void Scan(ByteStore body)
    {
        var json = new ByteStore();
        try
        {
            JsonpText.Unwrap(body.Span, json);
            MessageScanner.Scan(json.Span, Subscriber);
        }
        finally
        {
            json.Clear();
        }
    }
}
