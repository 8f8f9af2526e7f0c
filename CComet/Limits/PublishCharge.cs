using CComet.Messages;

namespace CComet.Limits;

/// <summary>What a publish has taken of its quotas.</summary>
internal sealed class PublishCharge
{
    private readonly List<(Share Share, ShareBounds Bounds, Metered Amounts)> _taken = new(3);

    /// <summary>Notes what was taken of a share.</summary>
    public void Add(Share share, ShareBounds bounds, in Metered amounts) => _taken.Add((share, bounds, amounts));

    /// <summary>Gives everything back: nothing was stored.</summary>
    public void GiveBack()
    {
        foreach (var (share, bounds, amounts) in _taken) share.GiveBack(bounds.Rates, amounts);
    }

    /// <summary>Gives back what nothing is held of: the ids, which are remembered already, and the history of messages that were stored before.</summary>
    public void GiveBackDuplicates(IReadOnlyList<NewMessage> messages, IReadOnlyList<Receipt> receipts)
    {
        var held = default(Metered);
        for (var i = 0; i < receipts.Count; i++)
        {
            if (!receipts[i].Duplicate) continue;
            held[Meter.Ids]++;
            held[Meter.HistoryBytes] += PublishQuotas.HistoryBytesOf(messages[i]);
        }

        if (held[Meter.Ids] == 0) return;
        foreach (var (share, bounds, _) in _taken) share.GiveBack(bounds.Rates, held);
    }
}
