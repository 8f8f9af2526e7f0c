using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace CComet.Web.Tests.Support;

/// <summary>What the server answered, read to its end, whichever way it came.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Headers">By name; several of one name joined by commas.</param>
/// <param name="Bytes">The body.</param>
public sealed record Answer(int Status, IReadOnlyDictionary<string, string> Headers, byte[] Bytes)
{
    public string Text => Encoding.UTF8.GetString(Bytes);

    /// <summary>The body as JSON.</summary>
    public JsonElement Json => JsonDocument.Parse(Bytes).RootElement;

    /// <summary>The elements of an answer that must be a 200 with an array.</summary>
    public JsonElement[] Elements
    {
        get
        {
            Assert.True(Status == 200, $"{Status}: {Text}");
            Assert.Equal("application/json; charset=utf-8", Header("Content-Type"));
            return [.. Json.EnumerateArray()];
        }
    }

    public string? Header(string name) => Headers.GetValueOrDefault(name);

    /// <summary>The types of the elements, in order.</summary>
    public string[] Types() => [.. Elements.Select(e => e.GetProperty("type").GetString()!)];

    /// <summary>The array in a JSONP answer, evaluated as a browser would.</summary>
    public JsonElement[] JsonpElements(string callback)
    {
        Assert.True(Status == 200, $"{Status}: {Text}");
        Assert.Equal("text/javascript; charset=utf-8", Header("Content-Type"));
        Assert.Equal("nosniff", Header("X-Content-Type-Options"));
        return [.. JsonDocument.Parse(JsonpCall.ArgumentOf(Text, callback)).RootElement.EnumerateArray()];
    }

    /// <summary>The answer is a refusal in the form of the contract, and names the parameter at fault.</summary>
    public void AssertProblem(int status, string? parameter = null, string? code = null)
    {
        Assert.True(Status == status, $"{Status}, not {status}: {Text}");
        Assert.StartsWith("application/problem+json", Header("Content-Type"), StringComparison.Ordinal);
        Assert.Equal("no-store", Header("Cache-Control"));
        var json = Json;
        foreach (var member in (string[])["type", "title", "detail"]) Assert.NotEmpty(json.GetProperty(member).GetString()!);
        Assert.Equal(status, json.GetProperty("status").GetInt32());
        Assert.Equal(code ?? status.ToString(CultureInfo.InvariantCulture), json.GetProperty("code").GetString());
        if (parameter is null) return;
        Assert.Equal(parameter, json.GetProperty("parameter").GetString());
        Assert.Contains(parameter, json.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    /// <summary>The answer is a refusal in the form that JSONP has for it.</summary>
    public void AssertJsonpProblem(string callback, string type, string? parameter = null)
    {
        var error = Assert.Single(JsonpElements(callback));
        Assert.Equal(type, error.GetProperty("type").GetString());
        Assert.Contains(parameter ?? "", error.GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    public static async Task<Answer> FromAsync(HttpResponseMessage response)
    {
        using (response)
        {
            var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            foreach (var (name, values) in Both(response.Headers, response.Content.Headers)) headers[name] = string.Join(", ", values);
            return new Answer((int)response.StatusCode, headers, await response.Content.ReadAsByteArrayAsync());
        }
    }

    private static IEnumerable<KeyValuePair<string, IEnumerable<string>>> Both(HttpResponseHeaders headers, HttpContentHeaders content) => headers.Concat(content);
}
