namespace CComet.Simulator.Checks;

/// <summary>
/// Holds one subscriber's channel to the promise: each message in order, exactly once, or told of the gap. Called by one thread
/// at a time; where it stands may be read by any.
/// </summary>
internal sealed class PromiseChecker(PromiseTally tally)
{
    private long _next;
    private EpochName? _epoch;
    private EpochName[] _left = [];

    // What was passed over, in case it comes late; there is none as long as the promise holds.
    private List<long>? _missing;

    /// <summary>The seqid that comes next. A subscriber begins with 0 of a channel that is new.</summary>
    public long Next => Volatile.Read(ref _next);

    /// <summary>Which log it follows; null until the server has told.</summary>
    public EpochName? Epoch => Volatile.Read(ref _epoch);

    /// <summary>A message came; false when it had come before.</summary>
    public bool Entry(long seqid)
    {
        if (seqid == _next)
        {
            Volatile.Write(ref _next, seqid + 1);
            return true;
        }

        if (seqid > _next)
        {
            Skip(_next, seqid - 1);
            Volatile.Write(ref _next, seqid + 1);
            return true;
        }

        if (_missing?.Remove(seqid) == true)
        {
            tally.AddOutOfOrder();
            return true;
        }

        tally.AddRepeated();
        return false;
    }

    /// <summary>Those seqids are no longer kept; what lies between here and there, and is not covered, is lost.</summary>
    public void Gap(EpochName epoch, long from, long to)
    {
        tally.AddGap(Math.Max(0, to - from + 1));
        if (!Agrees(epoch) || to < from || from < _next)
        {
            tally.AddInconsistent();
            return;
        }

        Skip(_next, from - 1);
        Volatile.Write(ref _next, to + 1);
    }

    /// <summary>Records that the log was reset.</summary>
    public void Reset(EpochName epoch, long seqid)
    {
        tally.AddReset();
        _missing = null;
        if (_epoch is not null && !ReferenceEquals(_epoch, epoch)) Volatile.Write(ref _left, [.. _left, _epoch]);
        Volatile.Write(ref _epoch, epoch);
        Volatile.Write(ref _next, seqid);
    }

    /// <summary>The server told where this subscriber stands.</summary>
    public void Cursor(EpochName epoch, long seqid)
    {
        if (!Agrees(epoch) || seqid != _next) tally.AddInconsistent();
    }

    /// <summary>How many messages that were acknowledged have not come.</summary>
    public long Behind(ChannelBook book)
    {
        var (epoch, last) = book.LastAcked;

        // Of a log that it was told is gone, nothing is owed to it any more.
        if (epoch is null || Array.IndexOf(Volatile.Read(ref _left), epoch) >= 0) return 0;
        var known = Epoch;
        return known is null || ReferenceEquals(known, epoch) ? Math.Max(0, last + 1 - Next) : last + 1;
    }

    /// <summary>At the end of a run: what has not come by now is lost.</summary>
    public void Finish(ChannelBook book) => tally.AddLost(Behind(book));

    private bool Agrees(EpochName epoch)
    {
        if (_epoch is null) Volatile.Write(ref _epoch, epoch);
        return ReferenceEquals(_epoch, epoch);
    }

    private void Skip(long from, long to)
    {
        if (to < from) return;
        tally.AddLost(to - from + 1);
        _missing ??= [];

        // A server gone mad must not fill the memory of its tester.
        for (var seqid = from; seqid <= to && _missing.Count < 10_000; seqid++) _missing.Add(seqid);
    }
}
