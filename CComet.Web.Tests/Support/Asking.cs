using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace CComet.Web.Tests.Support;

/// <summary>Asks the server the way its clients do.</summary>
public static class Asking
{
    /// <summary>A path with a query whose values are percent-encoded.</summary>
    public static string Path(string path, params (string Name, string Value)[] query) =>
        $"{path}?{string.Join('&', query.Select(p => $"{p.Name}={Uri.EscapeDataString(p.Value)}"))}";

    /// <summary>A channel that no other test uses.</summary>
    public static string NewChannel() => $"c{Guid.NewGuid():N}";

    /// <summary>A body of exactly these bytes.</summary>
    public static ByteArrayContent Body(byte[] bytes, string? contentType)
    {
        var body = new ByteArrayContent(bytes);
        if (contentType is not null) Assert.True(body.Headers.TryAddWithoutValidation("Content-Type", contentType));
        return body;
    }

    public static ByteArrayContent Body(string text, string? contentType = "application/json") => Body(Encoding.UTF8.GetBytes(text), contentType);

    /// <summary>A GET, or a POST where there is a body.</summary>
    public static Task<Answer> AskAsync(this HttpClient http, string path, HttpContent? body = null) =>
        http.AskAsync(body is null ? HttpMethod.Get : HttpMethod.Post, path, body);

    public static async Task<Answer> AskAsync(this HttpClient http, HttpMethod method, string path, HttpContent? body = null, Action<HttpRequestHeaders>? headers = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body, Version = http.DefaultRequestVersion, VersionPolicy = http.DefaultVersionPolicy };
        headers?.Invoke(request.Headers);
        return await Answer.FromAsync(await http.SendAsync(request));
    }

    /// <summary>Publishes by GET and gives the receipt.</summary>
    public static async Task<JsonElement> PublishAsync(this HttpClient http, string channel, string msg, params (string Name, string Value)[] more) =>
        Assert.Single((await http.AskAsync(Path("/pub", [("channel", channel), ("msg", msg), .. more]))).Elements);

    /// <summary>Polls without waiting.</summary>
    public static Task<Answer> PeekAsync(this HttpClient http, string channel, params (string Name, string Value)[] more) =>
        http.AskAsync(Path("/sub", [("channel", channel), ("wait", "0"), .. more]));

    /// <summary>The texts of everything that a channel keeps.</summary>
    public static async Task<string[]> KeptAsync(this HttpClient http, string channel) =>
        [.. (await http.PeekAsync(channel, ("seqid", "0"))).Elements.Select(e => e.GetProperty("msg").GetString()!)];
}
