using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace CComet.Client.Wire;

/// <summary>A message, notice, receipt, refusal or problem, as the server sends it; a member that is not there is null.</summary>
internal sealed class WireItem
{
    public string? Type { get; set; }

    public string? Channel { get; set; }

    public string? Epoch { get; set; }

    public long? Seqid { get; set; }

    public long? From { get; set; }

    public long? To { get; set; }

    public string? Sname { get; set; }

    public string? User { get; set; }

    public JsonElement Msg { get; set; }

    public long? Time { get; set; }

    public double? Retry { get; set; }

    public double? Expires { get; set; }

    public string? Reason { get; set; }

    public bool? Duplicate { get; set; }

    /// <summary>Gets the status when the item is a refusal, else null.</summary>
    [JsonIgnore]
    public int? Refusal => Type is { Length: 3 } && Type[0] is ('4' or '5') && int.TryParse(Type, NumberStyles.None, CultureInfo.InvariantCulture, out var status) ? status : null;
}

/// <summary>An <c>application/problem+json</c>.</summary>
internal sealed class Problem
{
    public string? Type { get; set; }

    public string? Title { get; set; }

    public string? Detail { get; set; }

    public JsonElement Code { get; set; }

    public string? Parameter { get; set; }
}

/// <summary>The claims of a JWT that the client looks at, in seconds since 1970.</summary>
internal sealed class TokenClaims
{
    public double? Exp { get; set; }

    public double? Iat { get; set; }
}

/// <summary>How these are read, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(WireItem))]
[JsonSerializable(typeof(WireItem[]))]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(TokenClaims))]
internal sealed partial class WireJson : JsonSerializerContext;
