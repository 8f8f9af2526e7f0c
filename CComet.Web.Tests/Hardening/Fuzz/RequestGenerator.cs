using System.Text;
using CComet.Web.Tests.Http.Requests;

namespace CComet.Web.Tests.Hardening.Fuzz;

/// <summary>Makes requests of every kind: good ones, and ones that are wrong in their parameters, their bodies, their codings or their headers.</summary>
internal static class RequestGenerator
{
    private const int LongestRepetition = 100_000;

    private static readonly string[] Methods = ["GET", "GET", "GET", "GET", "POST", "POST", "POST", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "get", "X", "PROPFIND"];
    private static readonly string[] Verbs = ["/pub", "/pub", "/pub", "/sign", "/sub", "/sub"];
    private static readonly string[] Others = ["/", "/pub/", "/PUB", "/chat.html", "/health/ready", "/health/live", "/js/..%2f..%2fappsettings.json", "//pub", "/%2e%2e/%c0%ae", "/sse", "/stream", "/ws", "/\u00ff", "/~", "/pub;a", "/%70ub", "/.well-known/x", "*"];
    private static readonly string[] Names = ["channel", "channel", "channel", "msg", "msg", "sname", "id", "seqid", "epoch", "cursor", "wait", "callback", "lastEventId", "_", "time", "", "%63hannel", "channel%00", "CHANNEL", "msg[]", "%6Dsg", "+"];
    private static readonly string[] Values = ["a", "b", "", "0", "1", "-1", "1e9", "99999999999999999999", "f", "a.b", "a..b", "%FF", "%00", "%", "%4", "%u0041", "%ED%A0%80", "%F0%9F%98%80", "e:1", "a=e:1,b=e:2", "e:1,e:2", ":", "-Infinity", "NaN", "+", "%0D%0AX:1", "{}", "[1]", "</script>", "null", "undefined", "=", "=="];
    private static readonly string[] Types = ["application/json", "application/json", "application/json", "text/json; charset=utf-8", "application/x-www-form-urlencoded", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "multipart/form-data; boundary=b", "multipart/form-data; boundary=\"", "multipart/form-data", "text/plain", "text/plain; charset=utf-16", "image/png", "", "/", ";", "application/json; charset=\"", "a/b; c", "application/xml", "application/ld+json"];
    private static readonly string[] Codings = ["gzip", "br", "deflate", "identity", "gzip, br", "deflate,gzip", "x-gzip", "gzip, gzip, gzip", "zstd", ",", "gzip;q=0", "\"gzip\""];
    private static readonly string[] Pieces = ["{", "}", "[", "]", ":", ",", "\"channel\"", "\"msg\"", "\"id\"", "\"a\"", "\"\\ud800\"", "\"\\u0000\"", "1", "-0", "1e400", "null", "true", " ", "\n", "--b\r\n", "--b--", "Content-Disposition: form-data; name=\"msg\"", "Content-Disposition: form-data; name=channel\r\n\r\n", "\r\n\r\n", "channel=a", "&msg=", "%FF", "\u00ff", "\u00ed\u00a0\u0080", "\u00ef\u00bb\u00bf", "{\"channel\":\"a\",\"msg\":", "[{\"channel\":\"a\",\"msg\":\"m\"},"];
    private static readonly string[] Members = ["channel", "channel", "msg", "msg", "msg", "sname", "id", "callback", "seqid", "x", "", "\\u0063hannel", "\\ud800", "ms\\u0067", "\u00e9", "type", "token"];
    private static readonly string[] Scalars = ["\"a\"", "\"b\"", "\"\"", "0", "-1", "1e400", "12345678901234567890", "null", "true", "\"\\ud800\"", "\"\\u0000\"", "\"\\ud83d\\ude00\"", "\"\\b\\f\\n\\\"\\\\\"", "\"</script>\"", "\"\u00ff\"", "01", "nul"];

    private static readonly (string Name, string[] Values)[] Headers =
    [
        ("Origin", ["null", "http://example.org", "x", ""]),
        ("Last-Event-ID", ["\u00ff", "null", "undefined", "e:1", "a=e:1,b=e:2", "e:1,e:2", "e:99999999999999999999", ""]),
        ("Cookie", [";;=", "a=b"]),
        ("Accept", ["text/event-stream", "*/*", "text/event-stream;q=0", ",", "text/event-stream;q=x", "\u00ff"]),
        ("Accept-Encoding", ["gzip", "br;q=1, *;q=0"]),
        ("Range", ["bytes=0-1", "bytes=9-1"]),
        ("If-None-Match", ["*", "\""]),
        ("If-Modified-Since", ["yesterday"]),
        ("Connection", ["close", "keep-alive", "Upgrade", "X"]),
        ("Upgrade", ["websocket", "h2c", ""]),
        ("Sec-WebSocket-Key", ["dGhlIHNhbXBsZSBub25jZQ==", "x"]),
        ("Sec-WebSocket-Version", ["13", "8", ""]),
        ("Access-Control-Request-Method", ["POST", "X"]),
        ("X-Forwarded-For", ["1.2.3.4", "x", "1.2.3.4, ::1"]),
        ("X-Forwarded-Proto", ["https", "\u00ff"]),
        ("Forwarded", ["for=1.2.3.4"]),
        ("Authorization", ["Bearer x", "Basic", "\u00ff"]),
        ("Expect", ["100-continue", "x"]),
        ("Traceparent", ["00-x"]),
    ];

    /// <summary>A body that decodes to far more than is taken.</summary>
    private static readonly byte[] Bomb = ContentEncodingTests.Encode(new byte[4 << 20], "gzip");

    private static readonly Dictionary<string, byte[]> Bombs = new() { ["gzip"] = Bomb, ["br"] = ContentEncodingTests.Encode(new byte[4 << 20], "br"), ["deflate"] = ContentEncodingTests.Encode(new byte[4 << 20], "deflate"), ["gzip, br"] = ContentEncodingTests.Encode(Bomb, "br") };

    /// <summary>Any request to any path.</summary>
    public static FuzzRequest Any(Random random) => Make(random, random.Pick(Methods), random.Once(4) ? random.Pick(Others) : random.Pick(Verbs));

    /// <summary>A publish or a sign-in, whose answer never waits.</summary>
    public static FuzzRequest Storing(Random random) => Make(random, random.Once(4) ? "GET" : "POST", random.Once(5) ? "/sign" : "/pub");

    /// <summary>A JSON text, mostly an object or an array of such with the members of a publish.</summary>
    public static string Json(Random random) => random.Next(8) switch
    {
        0 => random.Concat(12, () => random.Pick(Pieces)),
        1 or 2 => $"[{string.Join(',', Enumerable.Range(0, random.Once(50) ? 1_001 : random.Few(12)).Select(_ => Object(random)))}]",
        3 => Value(random, 3),
        _ => Object(random),
    };

    private static FuzzRequest Make(Random random, string method, string path)
    {
        var headers = new List<(string, string)>();
        byte[] body = [];
        if (method is "POST" or "PUT" || random.Once(20)) body = Body(random, headers);
        for (var i = random.Few(4); i > 0; i--)
        {
            var (name, values) = random.Pick<(string, string[])>(Headers);
            headers.Add((name, random.Once(30) ? new string('y', random.Next(5_000)) : random.Pick<string>(values)));
        }

        return new FuzzRequest(method, path, random.Once(10) ? "" : $"?{Pairs(random)}", headers, body);
    }

    /// <summary>A query or a form: mostly a few parameters, now and then one of them very often, or very many.</summary>
    private static string Pairs(Random random)
    {
        var pairs = Enumerable.Range(0, random.Few(8)).Select(_ => Pair(random)).ToList();
        if (random.Next(3) > 0) pairs.AddRange(["channel=a", "msg=m"]);
        if (random.Once(40)) pairs.AddRange(Repeat(Pair(random), random.Pick(2, 64, 65, 1_024, 1_025, 5_000)));
        return string.Join(random.Once(20) ? "&&" : "&", pairs);
    }

    /// <summary>A text so often, but not so often that all are longer than any message.</summary>
    private static IEnumerable<string> Repeat(string text, int count) => Enumerable.Repeat(text, Math.Min(count, LongestRepetition / (text.Length + 1)));

    private static string Pair(Random random) => $"{random.Pick(Names)}{random.Pick("=", "=", "=", "=", "", "==")}{FormValue(random)}";

    private static string FormValue(Random random) => random.Next(16) switch
    {
        0 => random.Concat(300, () => $"%{random.Next(256):X2}"),
        1 => new string(random.Pick('x', '+', '%', ',', '=', '"'), random.Few(3_000)),
        _ => random.Pick(Values),
    };

    private static byte[] Body(Random random, List<(string, string)> headers)
    {
        var type = random.Pick(Types);
        var body = Encoding.Latin1.GetBytes(random.Once(8) ? random.Noise(300) : Text(random, type));
        if (!random.Once(8)) headers.Add(("Content-Type", type));
        if (!random.Once(4)) return body;

        var coding = random.Pick(Codings);
        headers.Add(("Content-Encoding", coding));
        if (random.Once(20) && Bombs.TryGetValue(coding, out var bomb)) return bomb;
        if (random.Once(4)) return body;
        body = ContentEncodingTests.Encode(body, coding);
        return random.Once(4) ? random.Mutate(body) : body;
    }

    private static string Text(Random random, string type)
    {
        if (type.Contains("json", StringComparison.Ordinal)) return Json(random);
        if (type.Contains("form-urlencoded", StringComparison.Ordinal)) return Pairs(random);
        if (type.StartsWith("multipart", StringComparison.Ordinal)) return Multipart(random);
        return random.Concat(12, () => random.Pick(Pieces));
    }

    private static string Multipart(Random random)
    {
        var parts = random.Once(40) ? random.Pick(65, 1_025, 5_000) : random.Few(6);
        var name = random.Once(2) ? random.Pick(Names) : null;
        var body = new StringBuilder();
        for (var i = 0; i < parts; i++)
        {
            body.Append(random.Once(30) ? random.Pick("--c\r\n", "--b", "b\r\n") : "--b\r\n");
            body.Append(random.Once(20)
                ? random.Pick("X: y\r\n", "", ":\r\n", $"X: {new string('y', 20_000)}\r\n", "Content-Disposition: \"\r\n", "Content-Disposition: form-data; name*=utf-8''msg\r\n")
                : $"Content-Disposition: form-data; name=\"{name ?? random.Pick(Names)}\"{random.Pick("", "", "; filename=x", "; filename=\"")}\r\n");
            body.Append("\r\n").Append(random.Pick(Values)).Append("\r\n");
        }

        return body.Append(random.Once(10) ? "" : "--b--\r\n").ToString();
    }

    private static string Object(Random random)
    {
        var members = Enumerable.Range(0, random.Few(5)).Select(_ => Member(random)).ToList();
        if (random.Next(3) > 0) members.AddRange(["\"channel\":\"a\"", $"\"msg\":{Value(random, 4)}"]);
        if (random.Once(60)) members.AddRange(Repeat(Member(random), random.Pick(2, 65, 1_025)));
        return $"{{{string.Join(',', members)}}}";
    }

    private static string Member(Random random) => $"\"{random.Pick(Members)}\":{Value(random, 2)}";

    private static string Value(Random random, int depth)
    {
        if (random.Once(40)) return new string('[', random.Pick(60, 65, 2_000)) + new string(']', random.Pick(60, 65));
        if (random.Once(20)) return $"\"{random.Concat(200, () => random.Pick("x", "\\u0001", "\\n", "é", "\\\"", "\\ud83d\\ude00"))}\"";
        if (depth == 0 || random.Next(3) > 0) return random.Pick(Scalars);
        var values = Enumerable.Range(0, random.Few(4)).Select(_ => Value(random, depth - 1));
        return random.Once(2) ? $"[{string.Join(random.Pick(",", " , "), values)}]" : $"{{{string.Join(',', values.Select(v => $"\"{random.Pick(Members)}\":{v}"))}}}";
    }
}
