using System.Buffers.Text;
using CComet.Simulator.Checks;
using CComet.Simulator.Wire;

namespace CComet.Simulator.Clients;

/// <summary>An EventSource stream; the id of each event is held against where the subscriber then stands.</summary>
internal sealed class EventStreamSession(Subscriber subscriber, Link link) : LineSession(subscriber, link)
{
    private EpochName? _epoch;
    private long _seqid;

    public override void Begin() => SendOpening("/sse"u8, "Accept: text/event-stream\r\n"u8);

    protected override void Line(ReadOnlySpan<byte> line)
    {
        if (line.IsEmpty)
        {
            if (_epoch is not null) Subscriber.Stands(_epoch, _seqid);
            _epoch = null;
        }
        else if (line.StartsWith("data:"u8))
        {
            MessageScanner.Scan(line[5..], Subscriber);
        }
        else if (line.StartsWith("id:"u8))
        {
            if (TryReadCursor(line[3..].TrimStart((byte)' '), out var epoch, out _seqid)) _epoch = epoch;
        }
        else if (line.StartsWith("retry:"u8) && Utf8Parser.TryParse(line[6..].TrimStart((byte)' '), out int retry, out _))
        {
            Subscriber.ToldRetry = retry;
        }
    }
}
