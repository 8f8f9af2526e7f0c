namespace CComet.Bench.Load;

/// <summary>A connection that publishes, one message after the other.</summary>
internal sealed class Publishing : Connection
{
    /// <summary>Whether the last message has been answered.</summary>
    public bool IsFree { get; private set; } = true;

    /// <summary>The number of the channel it publishes in, or has published in last.</summary>
    public int Channel { get; private set; }

    public void Publish(int channel, ReadOnlySpan<byte> request)
    {
        (IsFree, Channel) = (false, channel);
        Send(request);
    }

    protected override void Ask()
    {
    }

    protected override void OnHead(int status, ReadOnlySpan<byte> head)
    {
        if (status is < 200 or > 299) throw new InvalidOperationException($"A message was answered with {status}.");
    }

    protected override void OnBody(ReadOnlySpan<byte> bytes)
    {
    }

    protected override void OnEnd() => IsFree = true;
}
