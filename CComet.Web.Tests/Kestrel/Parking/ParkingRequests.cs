using System.Collections.Frozen;
using System.Text;
using CComet.Kestrel.Parking;
using CComet.Web.Hosting;
using CComet.Web.Hosting.Cors;
using CComet.Web.Tests.Hardening.Fuzz;
using Microsoft.Extensions.Options;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>Makes requests to subscribe: ones that are parked, and ones that differ from them in little.</summary>
internal static class ParkingRequests
{
    private static readonly string[] Cursors =
    [
        "", "", "&seqid=0", "&seqid=0", "&seqid=2", "&seqid=5", "&seqid=6", "&seqid=99", "&seqid=-1", "&seqid=x", "&seqid=", "&seqid=1&seqid=2", "&epoch=other&seqid=1", "&epoch=other", "&epoch=", "&cursor=other:3", "&cursor=x",
        "&cursor=:", "&cursor=other:1&seqid=1", "&lastEventId=other:2", "&lastEventId=null", "&lastEventId=", "&cursor=a%3Dother:1",
    ];

    private static readonly string[] SeveralCursors =
    [
        "", "&seqid=0&seqid=0", "&seqid=2&seqid=5", "&seqid=6&seqid=6", "&seqid=&seqid=3", "&seqid=0", "&seqid=0&seqid=99", "&cursor=other:1,other:2", "&cursor=other:1", "&cursor=x", "&lastEventId=other:1,other:2", "&epoch=other&epoch=&seqid=1&seqid=1",
    ];

    private static readonly string[] Others =
    [
        "&_=1", "&time=2", "&x=1", "&&", "&sname=s", "&callback=f", "&callback=1", "&ticket=t", "&token=t", "&CHANNEL=b", "&=", "&msg=m", "&%73eqid=0", "&seqid%00=1", "&a=%FF", "&_=%00", "&_=%zz", "&wait=x", "&wait=-1", "&channel=b", "&sname=", "&sname=s&sname=t", "&callback=", "&callback=a.b", "&callback=f&callback=g", "&callback=a-b", "&amp;x", "&lt;", "&sname=%26lt;",
        "#f", "&_=\u00fc", "&_=\u0001", "&_=\"<>", "&channel", "&_=+",
    ];

    private static readonly string[] Usual =
    [
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64)", "Accept: */*", "Accept-Language: en-GB,en;q=0.9", "Accept-Encoding: gzip, br", "Cache-Control: no-cache", "Pragma: no-cache", "Connection: keep-alive", "Cookie: a=b; c=d", "DNT: 1",
        "Referer: http://localhost/chat.html", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "X-Requested-With: XMLHttpRequest", "Authorization: Basic YTpi", "accept-language:de", "Priority: u=1, i",
    ];

    private static readonly string[] Odd =
    [
        "Accept: text/event-stream", "Accept: text/event-stream;q=0", "Accept: text/html, text/event-stream", "Accept: TEXT/event-stream", "Accept: application/json", "Last-Event-ID: other:3", "Last-Event-ID: null", "Last-Event-ID:", "Last-Event-ID: other:1\r\nLast-Event-ID: other:2", "Content-Length: 0", "Content-Length: 3", "Transfer-Encoding: chunked",
        "Connection: close", "Connection: Upgrade", "Upgrade: websocket", "Expect: 100-continue", "Range: bytes=0-1", "Origin: http://other.example", "Origin: null", "Sec-Fetch-Site: cross-site", "Host: other", "Host:", "If-None-Match: *",
        "X-Forwarded-For: 1.2.3.4", "User-Agent : x", " x: y", "\tx", "x", ": x", "DNT: \u0001", "DNT: a\0b", "DNT: \u00fc", "DNT: a\nb", "DNT: a\rb", "DNT: a\tb", "Authorization: Bearer x", "Sec-WebSocket-Version: 13", "X: y", "Via: 1.1 x",
    ];

    private static readonly string[] Hosts = ["localhost", "localhost", "localhost", "localhost:80", "127.0.0.1", "[::1]:80", "a:b", ":80", "[", "[x]", "a/b", "\u00fc", "", "a b", "A.example", "a..b", "-", "a:", "a:99999", "a:999999"];

    private static readonly string[] Targets = ["/SUB", "/sub/", "//sub", "/./sub", "/s%75b", "/sub%00", "http://localhost/sub", "*", "/subscribe", "/pub", "/sign", "/chat.html", "/health/live", "/nowhere", "/sub;x", "/\u00fcb", "/stream/", "/subscribe/", "/Subscribe", "/poll"];

    private static readonly string[] Methods = ["get", "HEAD", "POST", "OPTIONS", "PUT", "X", "GET ", "\r\nGET"];

    private static readonly string[] Versions = ["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1.1 ", "HTTP", ""];

    /// <summary>What a server of the usual settings is to the reader of heads; of some pages' origins where they are named.</summary>
    public static ParkingHost NewHost(params string[] origins)
    {
        var policy = new CrossOrigin(Options.Create(new ServerOptions { Cors = new CorsSettings { Origins = origins } }));
        return new ParkingHost
        {
            PollTimeout = TimeSpan.FromSeconds(28),
            MayCallBack = true,
            VaryOfPoll = "Accept",
            VaryOfStream = "Origin",
            Origins = policy,
            PageLines = policy.LinesOf,
            ParksAt = _ => true,
            Headers = ParkingHost.UsualHeaders.Concat(ParkingHost.ProxyHeaders).ToFrozenSet(StringComparer.OrdinalIgnoreCase),
            IsTraced = () => false,
        };
    }

    /// <summary>A request to a channel, which ends at once unless it waits <c>wait</c> or is a stream.</summary>
    /// <param name="random">Decides.</param>
    /// <param name="channels">The channels.</param>
    /// <param name="pathBase">What is before the path.</param>
    /// <param name="caller">What tells of who asks.</param>
    public static byte[] Next(Random random, string[] channels, string pathBase = "", Func<Random, ParkingCaller>? caller = null)
    {
        var path = random.Once(12) ? random.Pick<string>(Targets) : random.Pick("/sub", "/sub", "/sub", "/sub", "/sse", "/stream", "/subscribe");
        var query = new StringBuilder();
        if (random.Once(4)) query.Append($"channel={channels[0]}&channel={channels[^1]}").Append(random.Pick<string>(SeveralCursors));
        else query.Append($"channel={random.Pick<string>(channels)}").Append(random.Pick<string>(Cursors));
        if (random.Once(6)) query.Append(random.Pick("&sname=s", "&sname=r%C3%BCm"));
        if (random.Once(6)) query.Append(random.Pick("&callback=f", "&callback=a.b$"));
        if (random.Once(6)) query.Append(random.Pick<string>(Others));
        query.Append(random.Once(12) ? random.Pick("&wait=0.1", "&wait=0.02") : "&wait=0");
        return Frame(random, pathBase + path, query, caller);
    }

    /// <summary>A request with a query: a GET of HTTP/1.1 with usual headers, unless something of that is odd.</summary>
    public static byte[] Frame(Random random, string path, StringBuilder query, Func<Random, ParkingCaller>? caller)
    {
        var who = caller?.Invoke(random) ?? ParkingCaller.Anonymous;
        query.Append(who.Query);
        if (random.Once(25)) query.Remove(0, random.Next(query.Length));
        var lines = new List<string>();
        if (random.Once(12)) lines.Add("Accept: text/event-stream");
        for (var i = random.Few(6); i > 0; i--) lines.Add(random.Once(12) ? random.Pick<string>(Odd) : random.Pick<string>(Usual));
        foreach (var line in who.Lines) lines.Insert(random.Next(lines.Count + 1), line);
        if (!random.Once(60)) lines.Insert(random.Next(lines.Count + 1), $"Host: {(random.Once(12) ? random.Pick<string>(Hosts) : who.Host)}");
        var end = random.Once(100) ? random.Pick("\n", "\r") : "\r\n";
        var method = random.Once(25) ? random.Pick<string>(Methods) : "GET";
        var version = random.Once(50) ? random.Pick<string>(Versions) : "HTTP/1.1";
        return Encoding.Latin1.GetBytes($"{method} {path}{(random.Once(60) ? "" : "?")}{query} {version}{end}{string.Concat(lines.Select(l => l + end))}{end}");
    }
}

/// <summary>What of a request tells who asks.</summary>
/// <param name="Lines">Lines of its head.</param>
/// <param name="Query">What is behind its query.</param>
/// <param name="Host">How it names the server.</param>
internal sealed record ParkingCaller(IReadOnlyList<string> Lines, string Query = "", string Host = "localhost")
{
    public static readonly ParkingCaller Anonymous = new([]);
}
