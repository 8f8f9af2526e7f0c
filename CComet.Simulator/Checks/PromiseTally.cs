namespace CComet.Simulator.Checks;

/// <summary>What the checkers of a run found, added up over all subscribers. Each number is of messages unless said otherwise.</summary>
internal sealed class PromiseTally
{
    private long _lost;
    private long _repeated;
    private long _outOfOrder;
    private long _inconsistent;
    private long _gaps;
    private long _gapMessages;
    private long _resets;

    /// <summary>Never came, though others behind it did or its publish was acknowledged.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    public long Repeated => Interlocked.Read(ref _repeated);

    /// <summary>Came behind a later one.</summary>
    public long OutOfOrder => Interlocked.Read(ref _outOfOrder);

    /// <summary>Cursors told that are not where the subscriber stands.</summary>
    public long Inconsistent => Interlocked.Read(ref _inconsistent);

    /// <summary>GAPs told; they break nothing.</summary>
    public long Gaps => Interlocked.Read(ref _gaps);

    /// <summary>Messages that GAPs covered.</summary>
    public long GapMessages => Interlocked.Read(ref _gapMessages);

    /// <summary>RESETs told; they break nothing.</summary>
    public long Resets => Interlocked.Read(ref _resets);

    public bool IsBroken => Lost > 0 || Repeated > 0 || OutOfOrder > 0 || Inconsistent > 0;

    public void AddLost(long count) => Interlocked.Add(ref _lost, count);

    public void AddRepeated() => Interlocked.Increment(ref _repeated);

    /// <summary>What was taken for lost has come after all, too late.</summary>
    public void AddOutOfOrder()
    {
        Interlocked.Decrement(ref _lost);
        Interlocked.Increment(ref _outOfOrder);
    }

    public void AddInconsistent() => Interlocked.Increment(ref _inconsistent);

    public void AddGap(long messages)
    {
        Interlocked.Increment(ref _gaps);
        Interlocked.Add(ref _gapMessages, messages);
    }

    public void AddReset() => Interlocked.Increment(ref _resets);
}
