using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace CComet.Web.Hosting.Icomet;

/// <summary>What a subscriber in the dialect of icomet needs.</summary>
internal enum IcometAuth
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The token that <c>/sign</c> gave for the channel.</summary>
    Token,
}

/// <summary>The settings under <c>CComet:Icomet</c>. Without an address the dialect is off.</summary>
[Settings("CComet:Icomet")]
internal sealed record IcometSettings
{
    /// <summary>The address to which subscribers come, such as <c>http://127.0.0.1:8100</c>; empty for none.</summary>
    [Description("icomet's dialect: the address for subscribers, such as http://127.0.0.1:8100; empty: off")]
    public string Front { get; init; } = "";

    /// <summary>The address to which an application's services come, such as <c>http://127.0.0.1:8000</c>; empty for none.</summary>
    [Description("icomet's dialect: the address for publishers, such as http://127.0.0.1:8000; empty: off")]
    public string Admin { get; init; } = "";

    /// <summary>What a subscriber needs.</summary>
    [EnumDataType(typeof(IcometAuth))]
    [Description("icomet's dialect: whether a subscriber needs the token that /sign gave")]
    public IcometAuth Auth { get; init; }

    /// <summary>Which clients may call the admin address: addresses, their beginnings (<c>192.168</c>), networks, or <c>all</c>; loopback when it is empty.</summary>
    [Description("icomet's dialect: addresses, beginnings of such (192.168) or networks that may call the admin address, or all; without, loopback")]
    public IReadOnlyList<string> Allow { get; init; } = [];

    /// <summary>
    /// How long a channel counts as online after its last subscriber, how often <c>/psub</c> repeats what is online, and how long a token
    /// holds when <c>/sign</c> is not told: 1 s to 1 day.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00", ParseLimitsInInvariantCulture = true)]
    [Description("icomet's dialect: how long a channel is online after its last subscriber, and a token holds")]
    public TimeSpan ChannelTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether it is on.</summary>
    internal bool IsOn => Front.Length > 0 || Admin.Length > 0;
}

/// <summary>Checks them at the start.</summary>
internal sealed class IcometSettingsValidator : IValidateOptions<IcometSettings>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, IcometSettings options)
    {
        var failures = options.Allow.Where(allowed => !AllowedClients.IsRule(allowed))
            .Select(allowed => $"CComet:Icomet:Allow: '{allowed}' is no address, no beginning of one such as 192.168, no network such as 10.0.0.0/8, and not all.")
            .ToList();
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
