using System.Text;

namespace CComet.Conformance.Server;

/// <summary>A request by HTTP/1.1, whole.</summary>
internal sealed class WireRequest
{
    private readonly List<(string Name, string Value)> _query;

    public WireRequest(string method, string target, Dictionary<string, string> headers, byte[] body)
    {
        (Method, Target, Headers, Body) = (method, target, headers, body);
        var mark = target.IndexOf('?', StringComparison.Ordinal);
        Path = mark < 0 ? target : target[..mark];
        _query = ReadForm(mark < 0 ? "" : target[(mark + 1)..]);
    }

    public string Method { get; }

    public string Target { get; }

    public string Path { get; }

    public Dictionary<string, string> Headers { get; }

    public byte[] Body { get; }

    /// <summary>The token of the header Authorization; null when there is none.</summary>
    public string? Bearer => Header("Authorization") is { } value && value.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? value[7..].Trim() : null;

    /// <summary>Whether the answer is wanted as a script.</summary>
    public string? Callback => One("callback");

    public bool IsWebSocket => Header("Upgrade")?.Equals("websocket", StringComparison.OrdinalIgnoreCase) == true;

    public string? Header(string name) => Headers.GetValueOrDefault(name);

    public IReadOnlyList<string> All(string name) => [.. _query.Where(p => p.Name == name).Select(p => p.Value)];

    public string? One(string name) => _query.Find(p => p.Name == name).Value;

    /// <summary>Reads <c>a=1&amp;b=2</c>.</summary>
    public static List<(string Name, string Value)> ReadForm(string text) =>
        [.. text.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(part => part.Split('=', 2)).Select(pair => (Decode(pair[0]), pair.Length > 1 ? Decode(pair[1]) : ""))];

    /// <summary>The request as it is shown beside a failure.</summary>
    public override string ToString()
    {
        var text = new StringBuilder($"{Method} {Target}");
        foreach (var name in new[] { "Authorization", "Last-Event-ID" })
        {
            if (Header(name) is { } value) text.Append($" [{name}: {value}]");
        }

        if (Body.Length > 0) text.Append(' ').Append(Encoding.UTF8.GetString(Body, 0, Math.Min(Body.Length, 200)));
        return text.ToString();
    }

    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
}
