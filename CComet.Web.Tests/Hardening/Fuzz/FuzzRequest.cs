using System.Globalization;
using System.Text;

namespace CComet.Web.Tests.Hardening.Fuzz;

/// <summary>One request of a generator.</summary>
/// <param name="Method">Its method.</param>
/// <param name="Path">Its path, as it stands in the request.</param>
/// <param name="Query">Its query, with the question mark, or nothing.</param>
/// <param name="Headers">Its headers beside those of its framing, each with its line end.</param>
/// <param name="Body">Its body, without framing.</param>
internal sealed record FuzzRequest(string Method, string Path, string Query, IReadOnlyList<(string Name, string Value)> Headers, byte[] Body)
{
    /// <summary>The value of a header, or null.</summary>
    public string? Header(string name) => Headers.FirstOrDefault(h => h.Name == name).Value;

    /// <summary>The request as bytes whose end a server can find, its body whole or in chunks.</summary>
    public byte[] Bytes(Random random)
    {
        var head = new StringBuilder($"{Method} {Path}{Query} HTTP/1.1\r\nHost: localhost\r\n");
        foreach (var (name, value) in Headers) head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        if (Body.Length > 0 && random.Once(4)) return Chunked(random, head);
        if (Body.Length > 0 || Method == "POST") head.Append(CultureInfo.InvariantCulture, $"Content-Length: {Body.Length}\r\n");
        head.Append("\r\n");
        return [.. Encoding.Latin1.GetBytes(head.ToString()), .. Body];
    }

    private byte[] Chunked(Random random, StringBuilder head)
    {
        head.Append("Transfer-Encoding: chunked\r\n\r\n");
        var bytes = new List<byte>(Encoding.Latin1.GetBytes(head.ToString()));
        var most = random.Pick(1, 7, 100, Body.Length);
        var chunks = 0;
        for (var at = 0; at < Body.Length; chunks++)
        {
            // Not more than a thousand chunks: what is tested is their form, not the speed of a server.
            var length = chunks > 1_000 ? Body.Length - at : Math.Min(random.Next(most) + 1, Body.Length - at);
            bytes.AddRange(Encoding.Latin1.GetBytes($"{length:x}{random.Pick("", "", "", ";a=b", ";\"x\"")}\r\n"));
            bytes.AddRange(Body.AsSpan(at, length));
            bytes.AddRange("\r\n"u8);
            at += length;
        }

        bytes.AddRange(Encoding.Latin1.GetBytes($"0\r\n{random.Pick("", "", "X: y\r\n")}\r\n"));
        return [.. bytes];
    }
}
