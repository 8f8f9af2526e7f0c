using CComet.Access;
using CComet.Messages;

namespace CComet.Limits;

/// <summary>Bounds the messages, bytes and ids that one address, one user and one channel publish.</summary>
/// <remarks>
/// A publish is taken by all of its quotas or by none. It takes of one after the other and gives back when a later one refuses; another publish that
/// comes in between may be refused by what is about to be given back.
/// </remarks>
internal sealed class PublishQuotas
{
    /// <summary>What the record of a message has beside its names and its msg, in bytes, when its numbers are short.</summary>
    private const int RecordBytes = 80;

    private readonly Quotas _quotas;
    private readonly Shares<string> _channels;

    private PublishQuotas(Quotas quotas, Shares<string> channels) => (_quotas, _channels) = (quotas, channels);

    /// <summary>Creates them; null when none is set.</summary>
    public static PublishQuotas? Create(Quotas quotas, LimitOptions limits, LimitMonitor monitor, TimeProvider time)
    {
        var ofChannel = new ShareBounds("channel", "", monitor, time) { Subscriptions = 0, SubscriptionsSetting = "", OpenChannels = 0, MadeChannels = 0, ChannelsSetting = "" };
        var perSecond = limits.PublishesPerSecondPerChannel;
        ofChannel.Bound(Meter.Publishes, nameof(LimitOptions.PublishesPerSecondPerChannel), perSecond, TimeSpan.FromSeconds(1), "channel", $"has been published its {perSecond} messages of a second already");
        return quotas.Addresses.Bounds.BoundsPublishes || quotas.Users.Bounds.BoundsPublishes || ofChannel.BoundsPublishes
            ? new PublishQuotas(quotas, new Shares<string>(ofChannel, Quotas.Room(limits.Channels, 0), time))
            : null;
    }

    /// <summary>Takes a publish of all its quotas.</summary>
    /// <returns>What was taken, to be given back when it is not stored; null when nothing bounds this caller.</returns>
    /// <exception cref="LimitException">A quota refuses; nothing was taken.</exception>
    public PublishCharge? Take(in CallerContext caller, IReadOnlyList<NewMessage> messages)
    {
        if (caller.Address is null && caller.Grant is null) return null;
        var amounts = AmountsOf(messages);
        var charge = new PublishCharge();
        try
        {
            if (_quotas.Users.Bounds.BoundsPublishes && caller.Grant?.User is { } user) charge.Add(_quotas.Users.Take(user, amounts), _quotas.Users.Bounds, amounts);
            if (_quotas.Addresses.Bounds.BoundsPublishes && AddressKey.Create(caller.Address) is { } address) charge.Add(_quotas.Addresses.Take(address, amounts), _quotas.Addresses.Bounds, amounts);
            if (_channels.Bounds.BoundsPublishes) TakeOfChannels(messages, charge);
            return charge;
        }
        catch (LimitException)
        {
            charge.GiveBack();
            throw;
        }
    }

    /// <summary>Forgets the channels whose messages have all come back.</summary>
    public void Sweep() => _channels.Sweep();

    /// <summary>Returns what a message counts of the history, in bytes: its record, nearly.</summary>
    internal static long HistoryBytesOf(NewMessage message) => RecordBytes + message.Channel.Length + (message.Sname?.Length ?? 0) + message.Body.Length;

    private static Metered AmountsOf(IReadOnlyList<NewMessage> messages)
    {
        var amounts = default(Metered);
        amounts[Meter.Publishes] = messages.Count;
        for (var i = 0; i < messages.Count; i++)
        {
            amounts[Meter.PublishedBytes] += messages[i].Body.Length;
            amounts[Meter.HistoryBytes] += HistoryBytesOf(messages[i]);
            if (messages[i].Id is not null) amounts[Meter.Ids]++;
        }

        return amounts;
    }

    private void TakeOfChannels(IReadOnlyList<NewMessage> messages, PublishCharge charge)
    {
        var first = messages.Count > 0 ? messages[0].Channel : "";
        var isOne = true;
        for (var i = 1; i < messages.Count && isOne; i++) isOne = messages[i].Channel == first;
        if (isOne)
        {
            TakeOfChannel(first, messages.Count, charge);
            return;
        }

        foreach (var (channel, count) in messages.CountBy(m => m.Channel, StringComparer.Ordinal)) TakeOfChannel(channel, count, charge);
    }

    private void TakeOfChannel(string channel, int count, PublishCharge charge)
    {
        var amounts = default(Metered);
        amounts[Meter.Publishes] = count;
        charge.Add(_channels.Take(channel, amounts), _channels.Bounds, amounts);
    }
}
