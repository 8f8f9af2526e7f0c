using System.Globalization;
using System.Text;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Endpoints;

/// <summary>Garbage of every kind, seeded, on real sockets: never a 5xx, never silence, and the server works as before.</summary>
public sealed class FuzzTests
{
    private const int Requests = 3_000;

    private static readonly string[] Methods = ["GET", "GET", "GET", "POST", "POST", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "get", "X", "PROPFIND"];
    private static readonly string[] Paths = ["/pub", "/pub", "/sub", "/sign", "/health/ready", "/", "/pub/", "/chat.html", "/js/..%2f..%2fappsettings.json", "//pub", "/%2e%2e/%c0%ae", "/sse", "/stream", "/ws", "/\u00ff", "/~"];
    private static readonly string[] Names = ["channel", "channel", "msg", "msg", "sname", "id", "seqid", "epoch", "cursor", "wait", "callback", "lastEventId", "_", "", "%63hannel", "channel%00", "CHANNEL", "msg[]"];
    private static readonly string[] Values = ["", "a", "b", "0", "1", "-1", "1e9", "99999999999999999999", "f", "a.b", "a..b", "%FF", "%00", "%", "%4", "%u0041", "%ED%A0%80", "%F0%9F%98%80", "e:1", "a=e:1,b=e:2", ":", "-Infinity", "NaN", "+", "%0D%0AX:1", "{}", "[1]", "</script>"];
    private static readonly string[] Types = ["application/json", "application/json", "text/json; charset=utf-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "multipart/form-data; boundary=\"", "multipart/form-data", "text/plain", "text/plain; charset=utf-16", "image/png", "", "/", ";", "application/json; charset=\"", "a/b; c"];
    private static readonly string[] Pieces = ["{", "}", "[", "]", ":", ",", "\"channel\"", "\"msg\"", "\"id\"", "\"a\"", "\"\\ud800\"", "\"\\u0000\"", "1", "-0", "1e400", "null", "true", " ", "\n", "--b\r\n", "--b--", "Content-Disposition: form-data; name=\"msg\"", "Content-Disposition: form-data; name=channel\r\n\r\n", "\r\n\r\n", "channel=a", "&msg=", "%FF", "\u00ff", "\u00ed\u00a0\u0080", "\u00ef\u00bb\u00bf", "{\"channel\":\"a\",\"msg\":", "[{\"channel\":\"a\",\"msg\":\"m\"},"];

    [Fact]
    public async Task Garbage_is_refused_and_never_makes_the_server_fail()
    {
        var seed = Environment.GetEnvironmentVariable("CCOMET_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next();
        await using var server = await LiveServer.StartAsync("CComet:Poll:Timeout=00:00:00.1", "CComet:Limits:Channels=200");
        await Parallel.ForAsync(0, Requests, new ParallelOptions { MaxDegreeOfParallelism = 48 }, async (i, _) =>
        {
            var random = new Random(unchecked(seed + i));
            var (request, bodiless) = Request(random);
            using var raw = await RawHttp.ConnectAsync(server.Port);
            Answer? answer;
            try
            {
                await raw.SendAsync(request);
                answer = await raw.ReadAsync(bodiless);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException)
            {
                throw new InvalidOperationException($"No answer. Replay with CCOMET_SEED={seed}; request {i}:\n{Encoding.Latin1.GetString(request)}", e);
            }

            Assert.True(answer is { Status: >= 200 and < 500 }, $"{answer?.Status}: {answer?.Text}\nReplay with CCOMET_SEED={seed}; request {i}:\n{Encoding.Latin1.GetString(request)}");
        });

        await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 0, "Freeing of every subscriber");
        var receipt = await server.PublishAsync("a", "still here");
        Assert.Equal("still here", Assert.Single((await server.Http.PeekAsync("a", ("seqid", $"{receipt.GetProperty("seqid")}"))).Elements).GetProperty("msg").GetString());
        Assert.Equal(200, (await server.Http.AskAsync("/health/ready")).Status);
    }

    /// <summary>A request whose end the server can find: inside it, anything goes. Of a stream, which has no end, only the head is read.</summary>
    private static (byte[] Bytes, bool Bodiless) Request(Random random)
    {
        var (method, path) = (Pick(random, Methods), Pick(random, Paths));
        var query = string.Join('&', Many(random, 6, () => $"{Pick(random, Names)}{Pick(random, ["=", "=", "=", "", "=="])}{Value(random)}"));
        var head = new StringBuilder($"{method} {path}?{query} HTTP/1.1\r\nHost: localhost\r\n");
        var body = random.Next(3) == 0 ? Noise(random, 200) : string.Concat(Many(random, 12, () => Pick(random, Pieces)));
        if (random.Next(4) > 0) head.Append(CultureInfo.InvariantCulture, $"Content-Type: {Pick(random, Types)}\r\n");
        if (random.Next(10) == 0) head.Append(Pick(random, ["Origin: null\r\n", "Last-Event-ID: \u00ff\r\n", "Cookie: ;;=\r\n", "Accept-Encoding: gzip\r\n", "X: " + new string('y', 5_000) + "\r\n", "Content-Encoding: gzip\r\n", "Range: bytes=0-1\r\n", "If-None-Match: *\r\n", "Connection: close\r\n", "Upgrade: websocket\r\nConnection: Upgrade\r\n", ": x\r\n", "A\r\n", "A : x\r\n"]));
        if (body.Length > 0 && random.Next(4) == 0) head.Append(CultureInfo.InvariantCulture, $"Transfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n{body}\r\n{Pick(random, ["0\r\n\r\n", "0\r\n\r\n", "xyz\r\n", "-1\r\n", "fffffffffffffffff\r\n"])}");
        else head.Append(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}\r\n\r\n{body}");
        return (Encoding.Latin1.GetBytes(random.Next(50) == 0 ? $"?{Noise(random, 50)}\r\n\r\n" : head.ToString()), method == "HEAD" || path is "/sse" or "/stream" or "/ws");
    }

    private static string Value(Random random) => random.Next(8) == 0 ? string.Concat(Many(random, 300, () => $"%{random.Next(256):X2}")) : Pick(random, Values);

    /// <summary>Bytes of chance, one a character.</summary>
    private static string Noise(Random random, int most) => string.Concat(Many(random, most, () => (char)random.Next(256)));

    private static T Pick<T>(Random random, T[] from) => from[random.Next(from.Length)];

    private static T[] Many<T>(Random random, int most, Func<T> make) => [.. Enumerable.Range(0, random.Next(most + 1)).Select(_ => make())];
}
