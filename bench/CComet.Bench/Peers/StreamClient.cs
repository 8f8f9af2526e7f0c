using CComet.Bench.Load;

namespace CComet.Bench.Peers;

/// <summary>A subscriber whose one answer does not end.</summary>
internal sealed class StreamClient(byte[] request, Tally tally) : Subscription(tally)
{
    protected override void Ask() => Send(request);

    protected override void OnHead(int status, ReadOnlySpan<byte> head)
    {
        if (status != 200) throw new InvalidOperationException($"A stream was answered with {status}.");
        IsReady = true;
    }

    protected override void OnEnd() => throw new InvalidOperationException("A stream has ended.");
}
