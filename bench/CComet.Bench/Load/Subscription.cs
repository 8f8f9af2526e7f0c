namespace CComet.Bench.Load;

/// <summary>
/// A connection that receives messages, by whatever transport: it notes how late each came, and whether one was lost, repeated or out of
/// order.
/// </summary>
internal abstract class Subscription : Connection
{
    private readonly Tally _tally;
    private readonly Action<long, int> _found;
    private byte[] _part = [];
    private int _last = -1;

    /// <param name="tally">Where it notes.</param>
    protected Subscription(Tally tally) => (_tally, _found) = (tally, Found);

    /// <summary>Looks for messages in what came; the beginning of one at the end is kept until its rest comes.</summary>
    protected override void OnBody(ReadOnlySpan<byte> bytes)
    {
        if (_part.Length > 0)
        {
            var rest = bytes[..Math.Min(bytes.Length, Mark.Bytes - _part.Length)];
            byte[] whole = [.. _part, .. rest];
            bytes = bytes[rest.Length..];
            Look(whole);
        }

        if (!bytes.IsEmpty) Look(bytes);
    }

    private void Look(ReadOnlySpan<byte> bytes)
    {
        var kept = Mark.Find(bytes, _found);
        _part = kept > 0 ? bytes[^kept..].ToArray() : [];
    }

    private void Found(long due, int number)
    {
        // The first that comes says where it begins.
        if (_last >= 0 && number != _last + 1) _tally.Wrong++;
        _last = number;
        _tally.Received(due);
    }
}
