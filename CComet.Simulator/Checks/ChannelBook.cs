using System.Text;

namespace CComet.Simulator.Checks;

/// <summary>What is known of a channel from the receipts of its publishes: up to where every subscriber must have come in the end.</summary>
/// <param name="name">Of characters that need no encoding.</param>
internal sealed class ChannelBook(string name)
{
    private readonly Lock _lock = new();
    private EpochName[] _epochs = [];
    private EpochName? _ackedEpoch;
    private long _lastAcked = -1;

    public string Name { get; } = name;

    public byte[] NameBytes { get; } = Encoding.ASCII.GetBytes(name);

    /// <summary>The greatest seqid that a receipt named, and its epoch; -1 when there was none.</summary>
    public (EpochName? Epoch, long Seqid) LastAcked
    {
        get
        {
            lock (_lock) return (_ackedEpoch, _lastAcked);
        }
    }

    /// <summary>The one object for an epoch's text.</summary>
    public EpochName Intern(ReadOnlySpan<byte> text)
    {
        foreach (var known in Volatile.Read(ref _epochs))
        {
            if (text.SequenceEqual(known.Raw)) return known;
        }

        lock (_lock)
        {
            foreach (var known in _epochs)
            {
                if (text.SequenceEqual(known.Raw)) return known;
            }

            var added = new EpochName(text.ToArray());
            Volatile.Write(ref _epochs, [.. _epochs, added]);
            return added;
        }
    }

    /// <summary>Records an acknowledged publish. A new epoch means that the log was reset: acknowledgements of the old one no longer count.</summary>
    public void Acked(EpochName epoch, long seqid)
    {
        lock (_lock)
        {
            if (ReferenceEquals(epoch, _ackedEpoch)) _lastAcked = Math.Max(_lastAcked, seqid);
            else (_ackedEpoch, _lastAcked) = (epoch, seqid);
        }
    }
}
