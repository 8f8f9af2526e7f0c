using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using CComet.Access;

namespace CComet.Web.Hosting.Access;

/// <summary>What the application is asked.</summary>
/// <param name="Verb">The right: <c>subscribe</c>, <c>publish</c>, <c>presence</c>, <c>admin</c>, <c>sname</c>.</param>
/// <param name="Channel">The channel's name; for <c>sname</c> the sname.</param>
/// <param name="User">The user's name, or null.</param>
/// <param name="Ip">The client's address, or null.</param>
/// <param name="Origin">The origin of the page that asks, or null.</param>
internal sealed record HookRequest(string Verb, string Channel, string? User, string? Ip, string? Origin)
{
    /// <summary>Makes what is sent for a caller.</summary>
    public static HookRequest Create(in CallerContext caller, ChannelRight right, string channel)
    {
        var address = caller.Address is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : caller.Address;
        return new HookRequest(GrantFactory.NameOf(right), channel, caller.Grant?.User, address?.ToString(), caller.Origin);
    }
}

/// <summary>What the application answers.</summary>
/// <param name="Allow">Whether the caller may.</param>
/// <param name="Reason">Why not, as the client is told.</param>
/// <param name="CacheSeconds">How long the answer holds.</param>
internal sealed record HookReply([property: JsonRequired] bool Allow, string? Reason, double? CacheSeconds)
{
    private const int MaxReason = 300;

    /// <summary>Reads an answer.</summary>
    /// <returns>The answer; null when it is not of its form.</returns>
    public static HookReply? Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, HookJson.Default.HookReply) is { CacheSeconds: not < 0 } reply ? reply : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Makes the decision. The reason is a line that the client is told, so it is bounded, and without control characters.</summary>
    public AccessDecision Decide()
    {
        if (Allow) return AccessDecision.Allowed;
        var reason = new StringBuilder();
        foreach (var rune in (Reason ?? "").EnumerateRunes())
        {
            if (reason.Length >= MaxReason) break;
            reason.Append(Rune.IsControl(rune) ? " " : rune.ToString());
        }

        return AccessDecision.Denied(reason.Length > 0 ? reason.ToString() : null);
    }
}

/// <summary>How both are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(HookRequest))]
[JsonSerializable(typeof(HookReply))]
internal sealed partial class HookJson : JsonSerializerContext;
