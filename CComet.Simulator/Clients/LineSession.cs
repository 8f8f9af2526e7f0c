using CComet.Simulator.Wire;

namespace CComet.Simulator.Clients;

/// <summary>JSON lines.</summary>
internal class LineSession(Subscriber subscriber, Link link) : Session(subscriber, link)
{
    private readonly Delimited _lines = new();

    public override void Begin() => SendOpening("/stream"u8, default);

    public override void Head(HttpHead head) => Expect(200, head);

    public override void Body(ReadOnlySpan<byte> piece)
    {
        while (_lines.TryTake(ref piece, "\n"u8, out var line)) Line(line.TrimEnd((byte)'\r'));
    }

    /// <summary>A whole line, without its end.</summary>
    protected virtual void Line(ReadOnlySpan<byte> line)
    {
        if (!line.IsEmpty) MessageScanner.Scan(line, Subscriber);
    }
}
