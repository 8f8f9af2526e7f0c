namespace CComet.Limits;

/// <summary>What a client address, a user or a channel may take, and how each refusal of more is told.</summary>
/// <param name="who">As the client is told: <c>address</c>, <c>user</c>, <c>channel</c>.</param>
/// <param name="hint">What else the client is told, or nothing.</param>
/// <param name="monitor">Where refusals are noted.</param>
/// <param name="time">The clock.</param>
internal sealed class ShareBounds(string who, string hint, LimitMonitor monitor, TimeProvider time)
{
    private readonly Rate?[] _rates = new Rate?[Metered.Count];
    private readonly (string Setting, string Parameter, string What)[] _refusals = new (string, string, string)[Metered.Count];

    /// <summary>How many subscriptions it may hold: one for each channel of each subscriber.</summary>
    public required int Subscriptions { get; init; }

    /// <summary>The setting that holds it.</summary>
    public required string SubscriptionsSetting { get; init; }

    /// <summary>How many channels it may hold open.</summary>
    public required int OpenChannels { get; init; }

    /// <summary>How many channels it may make.</summary>
    public required int MadeChannels { get; init; }

    /// <summary>The setting that holds both.</summary>
    public required string ChannelsSetting { get; init; }

    /// <summary>Its rates, by their meters; null for those that are not bounded.</summary>
    public ReadOnlySpan<Rate?> Rates => _rates;

    /// <summary>The rate at which made channels come back.</summary>
    public Rate? Made => _rates[(int)Meter.Made];

    /// <summary>Whether any publish may be refused by a rate.</summary>
    public bool BoundsPublishes => Has(Meter.Publishes) || Has(Meter.PublishedBytes) || Has(Meter.Ids) || Has(Meter.HistoryBytes);

    /// <summary>Whether a rate is bounded.</summary>
    public bool Has(Meter meter) => _rates[(int)meter] is not null;

    /// <summary>Bounds a rate; 0 bounds nothing.</summary>
    /// <param name="meter">What is bounded.</param>
    /// <param name="setting">The name of the setting, in <see cref="LimitOptions"/>.</param>
    /// <param name="limit">Its value.</param>
    /// <param name="window">The time for which it is.</param>
    /// <param name="parameter">The request's parameter that is at fault.</param>
    /// <param name="what">How the refusal goes on behind who it is.</param>
    public void Bound(Meter meter, string setting, long limit, TimeSpan window, string parameter, string what)
    {
        if (limit == 0) return;
        _rates[(int)meter] = new Rate(limit, window, time);
        _refusals[(int)meter] = (setting, parameter, what);
    }

    /// <summary>Makes the refusal of a subscription.</summary>
    public LimitException RefuseSubscription() => Refuse(SubscriptionsSetting, "channel", $"holds its {Subscriptions} subscriptions already", null);

    /// <summary>Makes the refusal of a channel that would be opened.</summary>
    public LimitException RefuseOpen() => Refuse(ChannelsSetting, "channel", $"follows its {OpenChannels} channels already", null);

    /// <summary>Makes the refusal of what a rate bounds.</summary>
    /// <param name="meter">What is bounded.</param>
    /// <param name="wait">When it would not be refused, in ticks from now on.</param>
    public LimitException Refuse(Meter meter, long wait)
    {
        var (setting, parameter, what) = _refusals[(int)meter];
        var retry = time.GetElapsedTime(0, wait);
        if (meter == Meter.Made && retry < LimitException.DefaultRetry) retry = LimitException.DefaultRetry;
        return Refuse(setting, parameter, what, retry);
    }

    private LimitException Refuse(string setting, string parameter, string what, TimeSpan? retry) =>
        monitor.Refuse($"Limits:{setting}", isGlobal: false, parameter, $"this {who} {what} (CComet:Limits:{setting}).{hint}", retry);
}
