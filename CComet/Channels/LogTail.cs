using CComet.Limits;
using CComet.Messages;
using CComet.Storage;

namespace CComet.Channels;

/// <summary>
/// The part of a log that a channel has in memory: its newest messages, and older ones that were asked for, as far as the
/// bounds allow. Not safe for use by several threads: the channel's lock guards it.
/// </summary>
internal sealed class LogTail(HistoryOptions bounds, HubMemory memory)
{
    private const int Memos = 4;

    /// <summary>How much of a remembered batch counts, in bytes: longer ones are never encoded as a whole.</summary>
    private const long MaxEncodedBytes = 64 << 10;

    private MessageRing _ring = new(bounds, 0);
    private (long End, long MaxBytes, Batch? Batch)[]? _memos;
    private int _nextMemo;
    private long _cold = -1;
    private long _memoBytes;
    private long _charged;

    /// <summary>The epoch of the log.</summary>
    public string Epoch { get; private set; } = "";

    /// <summary>The seqid of the oldest message in memory; equal to <see cref="End"/> when none is.</summary>
    public long First => _ring.First;

    /// <summary>One past the seqid of the newest message that this node has heard of.</summary>
    public long End => _ring.End;

    /// <summary>What it takes in memory, in bytes.</summary>
    public long Weight => _charged;

    /// <summary>Restarts the tail, empty, at a seqid of the same epoch or of another one.</summary>
    public void Rebase(string epoch, long first)
    {
        Epoch = epoch;
        _ring = new MessageRing(bounds, first);
        Forget();
        _cold = -1;
        Settle();
    }

    /// <summary>Drops what has become too old.</summary>
    public void Expire(DateTimeOffset now)
    {
        _ring.Expire(now);
        Settle();
    }

    /// <summary>Drops the oldest messages, and if need be all, until it takes no more than so many bytes. They are in the store.</summary>
    public void Trim(long maxBytes)
    {
        Forget();
        _ring.Trim(maxBytes);
        Settle();
    }

    /// <summary>Drops what can be made again.</summary>
    public void Forget()
    {
        _memos = null;
        _memoBytes = 0;
        Settle();
    }

    /// <summary>Adds what is new among these messages; false when they do not join on to what is known.</summary>
    public bool Accept(IReadOnlyList<Message> messages, DateTimeOffset now)
    {
        foreach (var message in messages)
        {
            if (message.Seqid < _ring.End) continue;
            if (message.Seqid > _ring.End)
            {
                Settle();
                return false;
            }

            _ring.Add(message, now);
        }

        Settle();
        return true;
    }

    /// <summary>Takes in what was read from the store, whatever was appended meanwhile; true when it brought something.</summary>
    public bool Absorb(LogSlice slice, DateTimeOffset now)
    {
        if (slice.Head.Epoch != Epoch)
        {
            // Another life of the log: begin at its end, and let every waiter find out by reading.
            Rebase(slice.Head.Epoch, slice.Head.End);
            return true;
        }

        var before = End;
        if (!Accept(slice.Messages, now))
        {
            // More was dropped from the log than this node had heard of.
            Rebase(Epoch, slice.Messages[0].Seqid);
            Accept(slice.Messages, now);
        }

        return End > before;
    }

    /// <summary>Whether messages from here on may find room before those in memory.</summary>
    public bool MayKeep(long from) => from > _cold;

    /// <summary>Puts what was read before what is in memory, when the two join and there is room.</summary>
    public bool TryKeep(LogSlice slice)
    {
        if (slice.Messages.Length == 0 || slice.Head.Epoch != Epoch) return false;
        var last = slice.Messages[^1].Seqid;
        var older = (int)Math.Max(0, First - slice.Messages[0].Seqid);
        if (last >= First - 1 && _ring.TryPrepend(slice.Messages.AsSpan(0, older)))
        {
            Settle();
            return true;
        }

        _cold = last;
        return false;
    }

    /// <summary>
    /// Returns the messages from a seqid in memory on. All subscribers that the same append reaches ask for the same batch: it is made
    /// once. A few batches are remembered, for subscribers that a later append overtakes before they have read.
    /// </summary>
    public Batch BatchFrom(long seqid, long maxBytes)
    {
        _memos ??= new (long, long, Batch?)[Memos];
        foreach (var (end, bytes, known) in _memos)
        {
            if (known is null || known.First != seqid || end != End) continue;
            if (bytes == maxBytes || (known.End == End && known.Bytes <= maxBytes)) return known;
        }

        var batch = new Batch(Epoch, _ring.CopyFrom(seqid, maxBytes));
        _nextMemo = (_nextMemo + 1) % Memos;
        _memoBytes += WeightOf(batch) - WeightOf(_memos[_nextMemo].Batch);
        _memos[_nextMemo] = (End, maxBytes, batch);
        Settle();
        return batch;
    }

    /// <summary>What a remembered batch may take: one encoding of it. Its messages are the ring's.</summary>
    private static long WeightOf(Batch? batch) => Math.Min(batch?.Bytes ?? 0, MaxEncodedBytes);

    private void Settle()
    {
        var weight = _ring.Memory + _memoBytes;
        if (weight == _charged) return;
        var change = weight - _charged;
        _charged = weight;
        memory.Charge(change);
    }
}
