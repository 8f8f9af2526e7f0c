using System.Text;
using CComet.Kestrel.Parking;
using static CComet.Web.Tests.Kestrel.Parking.ParkableHeads;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>Which request lines, hosts and headers are let in, and which beginnings may become such a head. All others are the web server's, which knows what they mean.</summary>
public sealed class ParkableHeadTests
{
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
    [InlineData("localhost")]
    [InlineData("localhost:8080")]
    [InlineData("127.0.0.1:80")]
    [InlineData("PUSH-1.example")]
    [InlineData("[::1]")]
    [InlineData("[2001:db8::1]:443")]
    public void Host_is_let_in(string host) => Assert.NotNull(Read($"GET /sub?channel=a HTTP/1.1\r\nHost: {host}\r\n\r\n"));

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
        Assert.NotNull(Read($"{PollHead}{header}\r\n\r\n"));
        Assert.NotNull(Read($"{StreamHead}{header}\r\n\r\n"));
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
        Assert.Null(Read($"{PollHead}{header}\r\n\r\n"));
        Assert.Null(Read($"{StreamHead}{header}\r\n\r\n"));
    }

    /// <summary>The web server refuses more than 100.</summary>
    [Fact]
    public void More_headers_than_the_web_server_takes_are_left() => Assert.Null(Read($"{PollHead}{string.Concat(Enumerable.Repeat("DNT:1\r\n", 100))}\r\n"));

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
}
