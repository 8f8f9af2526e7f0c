using CComet.Bench.Load;

namespace CComet.Bench.Peers;

/// <summary>A subscriber that asks again after each answer, with the cursor that the answer's head names.</summary>
internal sealed class PollClient(byte[] request, PollClient.Next next, Tally tally) : Subscription(tally)
{
    private byte[] _request = request;

    /// <summary>The request after an answer with this head.</summary>
    public delegate byte[] Next(ReadOnlySpan<byte> head);

    protected override void Ask() => Send(_request);

    protected override void OnHead(int status, ReadOnlySpan<byte> head)
    {
        if (status != 200) throw new InvalidOperationException($"A poll was answered with {status}.");
        _request = next(head);
    }

    protected override void OnEnd() => Send(_request);
}
