using System.Text.Json;
using CComet.Dialects.Native;

namespace CComet.Http.Credentials;

/// <summary>The frame by which the client of a WebSocket shows a credential: <c>{"type":"auth","token":…}</c>, or a <c>ticket</c>.</summary>
/// <param name="Token">The token, or null.</param>
/// <param name="Ticket">The ticket, or null.</param>
internal readonly record struct AuthFrame(string? Token, string? Ticket)
{
    /// <summary>Reads one; null for a text that is another frame.</summary>
    public static AuthFrame? Read(ReadOnlyMemory<byte> text)
    {
        // Before it is parsed: nearly all frames are messages.
        if (text.Span.IndexOf("\"auth\""u8) < 0) return null;
        try
        {
            using var json = JsonDocument.Parse(text);
            return json.RootElement.ValueKind == JsonValueKind.Object && Find(json.RootElement, "type") == "auth" && !json.RootElement.TryGetProperty("msg", out _)
                ? new AuthFrame(Find(json.RootElement, "token"), Find(json.RootElement, "ticket"))
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Encodes the answer to one that was taken, as the one element of an array.</summary>
    public static byte[] EncodeAnswer(string? user, DateTimeOffset? expires) => NativeJson.EncodeArray([(user, expires)], static (json, grant) =>
    {
        json.WriteString("type", "auth");
        if (grant.user is not null) json.WriteString("user", grant.user);
        if (grant.expires is { } at) json.WriteNumber("expires", at.ToUnixTimeMilliseconds());
    });

    private static string? Find(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
