using System.Text;
using CComet.Kestrel.Parking;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>Which requests are parked. All others are the web server's, which knows what they mean.</summary>
public sealed class ParkableRequestTests
{
    private const string Usual = "GET /sub?channel=a HTTP/1.1\r\nHost: localhost\r\n";
    private const string Stream = "GET /sse?channel=a HTTP/1.1\r\nHost: localhost\r\n";

    [Fact]
    public void Poll_is_read_with_its_cursor_its_wait_and_the_length_of_its_head()
    {
        var head = "GET /sub?channel=r%C3%BCm&cursor=e:12&wait=2.5&_=1 HTTP/1.1\r\nHost: push.example:8080\r\n\r\n";
        var request = Read(head + "GET /next HTTP/1.1\r\n\r\n")!.Value;
        Assert.Equal(("rüm", "e", 12), (request.Start.Channel, request.Start.From.Epoch, request.Start.From.Seqid));
        Assert.Equal((false, TimeSpan.FromSeconds(2.5), "", head.Length), (request.IsStream, request.Wait, head[request.Token], request.HeadBytes));
    }

    [Fact]
    public void Stream_is_read_with_the_id_that_a_browser_reconnects_with()
    {
        var request = Read($"{Stream}Accept: text/event-stream\r\nLast-Event-ID: e:7\r\n\r\n")!.Value;
        Assert.Equal((true, "a", "e", 7), (request.IsStream, request.Start.Channel, request.Start.From.Epoch, request.Start.From.Seqid));
    }

    [Fact]
    public void Poll_reads_that_id_from_the_query_alone()
    {
        Assert.Null(Read($"{Usual}Last-Event-ID: e:7\r\n\r\n")!.Value.Start.From.Epoch);
        Assert.Equal(7, Read("GET /sub?channel=a&lastEventId=e:7 HTTP/1.1\r\nHost: a\r\n\r\n")!.Value.Start.From.Seqid);
    }

    [Fact]
    public void Poll_waits_no_longer_than_the_setting_says()
    {
        Assert.Equal(TimeSpan.FromSeconds(28), Read($"{Usual}\r\n")!.Value.Wait);
        Assert.Equal(TimeSpan.FromSeconds(28), Read("GET /sub?channel=a&wait=1000 HTTP/1.1\r\nHost: a\r\n\r\n")!.Value.Wait);
        Assert.Equal(TimeSpan.Zero, Read("GET /sub?channel=a&wait=0 HTTP/1.1\r\nHost: a\r\n\r\n")!.Value.Wait);
    }

    [Theory]
    [InlineData("User-Agent: Mozilla/5.0 (X11; Linux x86_64) \"x\"")]
    [InlineData("Accept: */*")]
    [InlineData("Accept: application/json, text/plain;q=0.5")]
    [InlineData("Accept-Language: en-GB,en;q=0.9")]
    [InlineData("Accept-Encoding: gzip, deflate, br, zstd")]
    [InlineData("Accept-Charset: utf-8")]
    [InlineData("Cache-Control: no-cache")]
    [InlineData("Pragma: no-cache")]
    [InlineData("Connection: keep-alive")]
    [InlineData("Connection: Keep-Alive")]
    [InlineData("Keep-Alive: timeout=5")]
    [InlineData("Cookie: a=b; c=d")]
    [InlineData("DNT: 1")]
    [InlineData("Priority: u=1, i")]
    [InlineData("Authorization: Basic YTpi")]
    [InlineData("Referer: http://localhost/chat.html")]
    [InlineData("Save-Data: on")]
    [InlineData("Last-Event-ID: e:1")]
    [InlineData("Last-Event-ID: null")]
    [InlineData("Last-Event-ID:")]
    [InlineData("Sec-Fetch-Site: same-origin")]
    [InlineData("Sec-Fetch-Site: none")]
    [InlineData("Sec-Fetch-Mode: cors")]
    [InlineData("Sec-Fetch-Dest: empty")]
    [InlineData("Sec-Fetch-User: ?1")]
    [InlineData("Sec-Fetch-Storage-Access: active")]
    [InlineData("Sec-GPC: 1")]
    [InlineData("Sec-CH-UA: \"Chromium\";v=\"130\"")]
    [InlineData("Sec-CH-UA-Mobile: ?0")]
    [InlineData("Sec-CH-UA-Platform: \"Linux\"")]
    [InlineData("Upgrade-Insecure-Requests: 1")]
    [InlineData("X-Requested-With: XMLHttpRequest")]
    [InlineData("user-agent: x")]
    [InlineData("ACCEPT:*/*")]
    [InlineData("Pragma:  \t no-cache \t ")]
    [InlineData("DNT:")]
    [InlineData("Origin: http://other.example")]
    [InlineData("Origin: null")]
    [InlineData("Sec-Fetch-Site: cross-site")]
    [InlineData("Sec-Fetch-Site: same-site")]
    [InlineData("X-Forwarded-For: 1.2.3.4, x")]
    [InlineData("X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 1.2.3.4")]
    [InlineData("X-Forwarded-Proto: https")]
    [InlineData("X-Forwarded-Prefix: /x")]
    [InlineData("x-real-ip: 1.2.3.4")]
    [InlineData("Forwarded: for=1.2.3.4")]
    [InlineData("Via: 1.1 proxy")]
    [InlineData("X-Request-ID: 7")]
    [InlineData("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    [InlineData("baggage: a=1")]
    public void Header_of_a_browser_or_a_proxy_is_let_in_on_both_paths(string header)
    {
        Assert.NotNull(Read($"{Usual}{header}\r\n\r\n"));
        Assert.NotNull(Read($"{Stream}{header}\r\n\r\n"));
        Assert.NotNull(Read($"GET /sub?channel=a HTTP/1.1\r\n{header}\r\nHost: localhost\r\n\r\n"));
    }

    /// <summary>What has a meaning that is not read here, or a form that a server must judge.</summary>
    [Theory]
    [InlineData("Content-Length: 0")]
    [InlineData("Content-Length: 5")]
    [InlineData("Transfer-Encoding: chunked")]
    [InlineData("Content-Type: application/json")]
    [InlineData("Upgrade: websocket")]
    [InlineData("Upgrade: h2c")]
    [InlineData("Connection: Upgrade")]
    [InlineData("Connection: close")]
    [InlineData("Connection: keep-alive, close")]
    [InlineData("Connection:")]
    [InlineData("Expect: 100-continue")]
    [InlineData("Range: bytes=0-1")]
    [InlineData("Origin:")]
    [InlineData("Origin: http://a.example\r\nOrigin: http://b.example")]
    [InlineData("If-None-Match: *")]
    [InlineData("X-HTTP-Method-Override: POST")]
    [InlineData("X-Of-An-Application: 1")]
    [InlineData("Host: other.example")]
    [InlineData("Last-Event-ID: e:1\r\nLast-Event-ID: e:2")]
    [InlineData("User-Agent : x")]
    [InlineData(" User-Agent: x")]
    [InlineData("User-Agent: x\r\n  folded: y")]
    [InlineData("User-Agent: x\r\n\tfolded")]
    [InlineData("User-Agent")]
    [InlineData(": x")]
    [InlineData("User\0Agent: x")]
    [InlineData("User-Agent: a\0b")]
    [InlineData("User-Agent: a\u0001b")]
    [InlineData("User-Agent: a\u007fb")]
    [InlineData("User-Agent: a\nHost: b")]
    [InlineData("User-Agent: a\rb")]
    [InlineData("User-Agent: \u00fc")]
    [InlineData("User-Ag\u00e9nt: x")]
    public void Header_that_may_mean_more_is_left_on_both_paths(string header)
    {
        Assert.Null(Read($"{Usual}{header}\r\n\r\n"));
        Assert.Null(Read($"{Stream}{header}\r\n\r\n"));
    }

    /// <summary>The web server refuses the same.</summary>
    [Theory]
    [InlineData("")]
    [InlineData(":")]
    [InlineData(":80")]
    [InlineData("a:b")]
    [InlineData("a:80:80")]
    [InlineData("[")]
    [InlineData("]")]
    [InlineData("[]")]
    [InlineData("[::1")]
    [InlineData("[::1]x")]
    [InlineData("[::1]:x")]
    [InlineData("[a.example]")]
    [InlineData("a[b]")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("a,b")]
    [InlineData("a@b")]
    [InlineData("a\tb")]
    [InlineData("\u00fc.example")]
    public void Host_that_may_be_none_is_left(string host) => Assert.Null(Read($"GET /sub?channel=a HTTP/1.1\r\nHost: {host}\r\n\r\n"));

    [Theory]
    [InlineData("localhost")]
    [InlineData("localhost:8080")]
    [InlineData("127.0.0.1:80")]
    [InlineData("PUSH-1.example")]
    [InlineData("[::1]")]
    [InlineData("[2001:db8::1]:443")]
    public void Host_is_let_in(string host) => Assert.NotNull(Read($"GET /sub?channel=a HTTP/1.1\r\nHost: {host}\r\n\r\n"));


    [Theory]
    [InlineData("GET /sub?channel=a HTTP/1.1\r\n\r\n")]
    [InlineData("GET /sub?channel=a HTTP/1.0\r\nHost: a\r\n\r\n")]
    [InlineData("GET /sub?channel=a HTTP/1.2\r\nHost: a\r\n\r\n")]
    [InlineData("GET /sub?channel=a HTTP/2\r\nHost: a\r\n\r\n")]
    [InlineData("GET /sub?channel=a\r\nHost: a\r\n\r\n")]
    [InlineData("GET /sub?channel=a http/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("get /sub?channel=a HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("HEAD /sub?channel=a HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("POST /sub?channel=a HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("OPTIONS /sub?channel=a HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GETX /sub?channel=a HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData(" GET /sub?channel=a HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("\r\nGET /sub?channel=a HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET  /sub?channel=a HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET /sub?channel=a  HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET\t/sub?channel=a HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET /sub?channel=a b HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET /sub?channel=a HTTP/1.1\nHost: a\n\n")]
    [InlineData("GET /sub?channel=a HTTP/1.1\nHost: a\r\n\r\n")]
    [InlineData("GET /sub?channel=a HTTP/1.1\r\nHost: a\r\n")]
    [InlineData("GET /sub?channel=a HTTP/1.1\r\n\r\nHost: a\r\n\r\n")]
    [InlineData("")]
    [InlineData("\r\n\r\n")]
    [InlineData("GET \r\n\r\n")]
    [InlineData("GET HTTP/1.1\r\n\r\n")]
    [InlineData("\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00fc\u0003\u0003")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    public void Odd_request_line_is_left(string head) => Assert.Null(Read(head));

    [Theory]
    [InlineData("/sub")]
    [InlineData("/sub?")]
    [InlineData("/sub/?channel=a")]
    [InlineData("/SUB?channel=a")]
    [InlineData("//sub?channel=a")]
    [InlineData("/./sub?channel=a")]
    [InlineData("/s%75b?channel=a")]
    [InlineData("/sub%3Fchannel=a")]
    [InlineData("/sub;x?channel=a")]
    [InlineData("/pub?channel=a&msg=m")]
    [InlineData("/sign?channel=a")]
    [InlineData("/ws?channel=a")]
    [InlineData("/?channel=a")]
    [InlineData("*?channel=a")]
    [InlineData("?channel=a")]
    [InlineData("sub?channel=a")]
    [InlineData("http://localhost/sub?channel=a")]
    [InlineData("localhost:80?channel=a")]
    [InlineData("/sub?channel=a#f")]
    [InlineData("/sub#f?channel=a")]
    public void Odd_target_is_left(string target) => Assert.Null(Read($"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));

    [Theory]
    [InlineData("")]
    [InlineData("seqid=0")]
    [InlineData("channel")]
    [InlineData("channel=")]
    [InlineData("channel=a&channel=a")]
    [InlineData("channel=a&sname=")]
    [InlineData("channel=a&sname=%00")]
    [InlineData("channel=a&sname=s&sname=t")]
    [InlineData("channel=a&callback=")]
    [InlineData("channel=a&callback=1")]
    [InlineData("channel=a&callback=f-g")]
    [InlineData("channel=a&callback=f&callback=g")]
    [InlineData("channel=a&channel=b&seqid=0")]
    [InlineData("channel=a&token=t")]
    [InlineData("channel=a&access_token=t")]
    [InlineData("channel=a&CHANNEL=b")]
    [InlineData("Channel=a")]
    [InlineData("chann%65l=a")]
    [InlineData("channel=a&%63hannel=b")]
    [InlineData("channel=a&seqid%00=1")]
    [InlineData("channel=a&x=1")]
    [InlineData("channel=a&x")]
    [InlineData("channel=a&=1")]
    [InlineData("channel=a&+=1")]
    [InlineData("channel=a&seqid=")]
    [InlineData("channel=a&seqid=-1")]
    [InlineData("channel=a&seqid=x")]
    [InlineData("channel=a&seqid=1e3")]
    [InlineData("channel=a&seqid=99999999999999999999")]
    [InlineData("channel=a&seqid=1&seqid=2")]
    [InlineData("channel=a&epoch=%00")]
    [InlineData("channel=a&epoch=")]
    [InlineData("channel=a&cursor=x")]
    [InlineData("channel=a&cursor=e:-1")]
    [InlineData("channel=a&cursor=e:1&seqid=1")]
    [InlineData("channel=a&cursor=e:1&cursor=e:2")]
    [InlineData("channel=a&wait=-1")]
    [InlineData("channel=a&wait=NaN")]
    [InlineData("channel=a&wait=Infinity")]
    [InlineData("channel=a&wait=")]
    [InlineData("channel=a&wait=1&wait=2")]
    [InlineData("channel=%00")]
    [InlineData("channel=%0A")]
    [InlineData("channel=%7F")]
    [InlineData("channel=%FF")]
    [InlineData("channel=%ED%A0%80")]
    [InlineData("channel=\u00fc")]
    [InlineData("channel=a\u0001")]
    [InlineData("channel=a\u007f")]
    public void Parameters_that_are_refused_or_read_elsewhere_are_left(string query) => Assert.Null(Read($"GET /sub?{query} HTTP/1.1\r\nHost: a\r\n\r\n"));

    [Theory]
    [InlineData("channel=a", "a")]
    [InlineData("&&channel=a&", "a")]
    [InlineData("_=1&_=2&channel=a&time=3", "a")]
    [InlineData("channel=a%26b", "a&b")]
    [InlineData("channel=a+b", "a b")]
    [InlineData("channel=%C3%BC%F0%9F%98%80", "ü😀")]
    [InlineData("channel=a=b", "a=b")]
    [InlineData("channel=a;seqid=0", "a;seqid=0")]
    [InlineData("channel=a\"<>\\^`{|}", "a\"<>\\^`{|}")]
    [InlineData("channel=a&lastEventId=undefined", "a")]
    public void Query_is_read_as_everywhere(string query, string channel) => Assert.Equal(channel, Read($"GET /sub?{query} HTTP/1.1\r\nHost: a\r\n\r\n")!.Value.Start.Channel);

    [Fact]
    public void Channel_may_be_as_long_as_the_contract_says_and_no_longer()
    {
        Assert.NotNull(Read($"GET /sub?channel={new string('x', 200)} HTTP/1.1\r\nHost: a\r\n\r\n"));
        Assert.Null(Read($"GET /sub?channel={new string('x', 201)} HTTP/1.1\r\nHost: a\r\n\r\n"));
    }

    [Fact]
    public void More_parameters_than_are_counted_are_left()
    {
        Assert.NotNull(Read($"GET /sub?channel=a{string.Concat(Enumerable.Repeat("&_=1", 191))} HTTP/1.1\r\nHost: a\r\n\r\n"));
        Assert.Null(Read($"GET /sub?channel=a{string.Concat(Enumerable.Repeat("&_=1", 192))} HTTP/1.1\r\nHost: a\r\n\r\n"));
    }

    /// <summary>The web server refuses more than 100.</summary>
    [Fact]
    public void More_headers_than_the_web_server_takes_are_left() => Assert.Null(Read($"{Usual}{string.Concat(Enumerable.Repeat("DNT:1\r\n", 100))}\r\n"));

    [Fact]
    public void Poll_that_asks_for_events_by_its_header_is_a_stream()
    {
        var request = Read($"{Usual}Accept: text/event-stream\r\nLast-Event-ID: e:7\r\n\r\n")!.Value;
        Assert.Equal((true, false, true, 7), (request.IsStream, request.IsOfLines, request.IsBeside, request.Start.From.Seqid));
        Assert.True(Read($"{Usual}Accept: text/event-stream\r\nAccept: application/json\r\n\r\n")!.Value.IsStream);
        var script = Read("GET /sub?channel=a&callback=f HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n")!.Value;
        Assert.Equal((false, "f"), (script.IsStream, script.Callback));
        Assert.False(Read("GET /subscribe?channel=a HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n")!.Value.IsStream);
    }

    [Theory]
    [InlineData("Text/Event-Stream")]
    [InlineData("text/event-stream;q=0")]
    [InlineData("text/event-stream, */*")]
    [InlineData("*/*, text/event-stream;q=0.1")]
    public void Poll_that_may_ask_for_events_is_left(string accept)
    {
        Assert.Null(Read($"{Usual}Accept: {accept}\r\n\r\n"));
        Assert.Null(Read($"{Usual}Accept: */*\r\nAccept: {accept}\r\n\r\n"));
        Assert.Null(Read($"{Usual}Accept: text/event-stream\r\nAccept: {accept}\r\n\r\n"));
        Assert.NotNull(Read($"{Stream}Accept: {accept}\r\n\r\n"));
    }

    /// <summary>Whether it fits into a slot, or an object beside it answers.</summary>
    [Theory]
    [InlineData("/sub?channel=a", false)]
    [InlineData("/sse?channel=a", false)]
    [InlineData("/stream?channel=a", false)]
    [InlineData("/sub?channel=a&channel=b", true)]
    [InlineData("/sub?channel=a&channel=b&seqid=1&seqid=", true)]
    [InlineData("/sse?channel=a&channel=b&cursor=e:1,f:2", true)]
    [InlineData("/stream?channel=a&sname=s", true)]
    [InlineData("/sub?channel=a&sname=r%C3%BCm", true)]
    [InlineData("/sub?channel=a&callback=a.b$", true)]
    [InlineData("/subscribe?channel=a&seqid=0", true)]
    [InlineData("/subscribe?channel=a&sname=s&callback=f&_=1", true)]
    public void Request_is_let_in(string target, bool isBeside)
    {
        var request = Read($"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")!.Value;
        Assert.Equal((isBeside, target.Split('?')[0]), (request.IsBeside, request.Path));
        Assert.Equal((target.StartsWith("/s", StringComparison.Ordinal) && !target.StartsWith("/sub", StringComparison.Ordinal), target.StartsWith("/stream", StringComparison.Ordinal)), (request.IsStream, request.IsOfLines));
    }

    [Theory]
    [InlineData("/sse?channel=a&callback=f")]
    [InlineData("/stream?channel=a&callback=f")]
    [InlineData("/subscribe?channel=a&channel=b")]
    [InlineData("/subscribe?channel=a&amp;b")]
    [InlineData("/subscribe?channel=a&msg=m")]
    [InlineData("/subscribe?channel=a&callback=f-g")]
    [InlineData("/stream")]
    [InlineData("/subscribe?")]
    public void Request_of_another_path_is_left(string target) => Assert.Null(Read($"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));

    [Fact]
    public void Callback_is_the_web_servers_where_none_is_called_or_a_token_would_not_count()
    {
        const string Script = "GET /sub?channel=a&callback=f HTTP/1.1\r\nHost: a\r\n";
        Assert.NotNull(Read($"{Script}\r\n"));
        Assert.Null(Read($"{Script}\r\n", Host with { MayCallBack = false }));
        Assert.NotNull(Read($"{Script}\r\n", Host with { TakesTokens = true }));
        Assert.Null(Read($"{Script}Authorization: Bearer a.b.c\r\n\r\n", Host with { TakesTokens = true }));
    }

    [Fact]
    public void Path_base_is_compared_as_it_stands()
    {
        var host = Host with { PathBase = "/push"u8.ToArray() };
        Assert.NotNull(Read("GET /push/sub?channel=a HTTP/1.1\r\nHost: a\r\n\r\n", host));
        foreach (var path in (string[])["/sub", "/PUSH/sub", "/push/push/sub", "/push//sub", "/pushsub", "/push", "/pushy/sub", "/p"]) Assert.Null(Read($"GET {path}?channel=a HTTP/1.1\r\nHost: a\r\n\r\n", host));
    }

    [Fact]
    public void Beginning_of_a_head_that_is_read_is_never_given_away()
    {
        var seed = Environment.GetEnvironmentVariable("CCOMET_SEED") is { } given ? int.Parse(given, System.Globalization.CultureInfo.InvariantCulture) : Random.Shared.Next();
        var random = new Random(seed);
        var read = 0;
        for (var i = 0; i < 2_000; i++)
        {
            var host = i % 3 == 0 ? Host with { PathBase = "/push"u8.ToArray() } : Host;
            var bytes = ParkingRequests.Next(random, ["a"], host.PathBase.Length == 0 ? "" : "/push");
            if (ParkableRequest.Read(bytes, host) is not { } request) continue;
            read++;
            for (var length = 0; length < request.HeadBytes; length++)
            {
                Assert.True(ParkableRequest.MayBegin(bytes.AsSpan(0, length), host), $"CCOMET_SEED={seed}: {length} bytes of {Encoding.Latin1.GetString(bytes)}");
                if (length < request.HeadBytes) Assert.Null(ParkableRequest.Read(bytes.AsSpan(0, length), host));
            }
        }

        Assert.InRange(read, 200, 2_000);
    }

    [Theory]
    [InlineData("POST /pub")]
    [InlineData("H")]
    [InlineData("\u0016\u0003\u0001")]
    [InlineData("PRI * HTTP/2.0")]
    [InlineData("\r\n")]
    [InlineData("get")]
    public void What_can_be_no_such_head_is_given_away_with_its_first_bytes(string begin) => Assert.False(ParkableRequest.MayBegin(Encoding.Latin1.GetBytes(begin), Host));

    private static ParkingHost Host => ParkingRequests.NewHost();

    private static ParkableRequest? Read(string latin1, ParkingHost? host = null) => ParkableRequest.Read(Encoding.Latin1.GetBytes(latin1), host ?? Host);
}
