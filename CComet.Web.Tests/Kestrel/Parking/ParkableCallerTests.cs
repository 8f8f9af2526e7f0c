using System.Net;
using System.Text;
using CComet.Kestrel.Parking;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>Whose requests are parked: pages, credentials, hosts and proxies that are understood, and none of them in two ways.</summary>
public sealed class ParkableCallerTests
{
    private const string Listed = "https://page.example";
    private static readonly ParkingHost Tokens = ParkingRequests.NewHost(Listed) with { TakesTokens = true, TakesCookies = true };

    [Fact]
    public void Page_of_any_origin_may_read_the_answer_where_all_may()
    {
        var lines = Read("Origin: http://other.example\r\nSec-Fetch-Site: cross-site\r\n")!.Value.Caller.PageLines;
        Assert.Equal("Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: CComet-Cursor, CComet-Retry, Retry-After\r\n", lines);
        Assert.Equal("", Read("Sec-Fetch-Site: cross-site\r\nReferer: http://other.example/\r\n")!.Value.Caller.PageLines);
    }

    [Theory]
    [InlineData("Origin: https://page.example", "https://page.example")]
    [InlineData("Origin: https://PAGE.example", "https://page.example")]
    [InlineData("Origin: http://localhost", "")]
    [InlineData("Origin: https://other.example\r\nSec-Fetch-Site: same-origin", "")]
    [InlineData("Sec-Fetch-Site: cross-site\r\nReferer: https://page.example/a", "")]
    [InlineData("Sec-Fetch-Site: none", "")]
    [InlineData("Origin: https://other.example", null)]
    [InlineData("Origin: https://localhost", null)]
    [InlineData("Origin: null", null)]
    [InlineData("Sec-Fetch-Site: cross-site", null)]
    [InlineData("Sec-Fetch-Site: same-site\r\nReferer: https://other.example/", null)]
    [InlineData("Origin: https://page.example\r\nOrigin: https://page.example", null)]
    [InlineData("Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site", null)]
    public void Page_is_left_that_the_policy_refuses(string lines, string? allowed)
    {
        var read = Read(lines + "\r\n", ParkingRequests.NewHost(Listed))?.Caller.PageLines;
        if (string.IsNullOrEmpty(allowed)) Assert.Equal(allowed, read);
        else Assert.Equal($"Access-Control-Allow-Origin: {allowed}\r\nAccess-Control-Expose-Headers: CComet-Cursor, CComet-Retry, Retry-After\r\nAccess-Control-Allow-Credentials: true\r\n", read);
    }

    [Fact]
    public void Origin_is_kept_for_who_decides_about_rights()
    {
        Assert.Equal(Listed, Read($"Origin: {Listed}\r\n", Tokens)!.Value.Caller.Origin);
        Assert.Null(Read($"Origin: {Listed}\r\n")!.Value.Caller.Origin);
    }

    [Theory]
    [InlineData("Authorization: Bearer a.b.c", "a.b.c")]
    [InlineData("authorization:  bearer   a.b.c  ", "a.b.c")]
    [InlineData("Authorization: BEARER B", "B")]
    [InlineData("Authorization: Bearer Bearer", "Bearer")]
    [InlineData("DNT: 1", "")]
    [InlineData("Cookie: a=b; __Host-ccomet2x=1", null)]
    [InlineData("Cookie: a=b", "")]
    [InlineData("Cookie:", "")]
    [InlineData("Cookie: a b, c", "")]
    [InlineData("Cookie: __Host-ccomet=a.b.c", "a.b.c")]
    [InlineData("Cookie: a=b; __Host-ccomet=a.b-_c; c=d", "a.b-_c")]
    [InlineData("Cookie: a=b\r\nCookie: __Host-ccomet=x", "x")]
    [InlineData("Authorization: Bearer a.b.c\r\nCookie: session=1", "a.b.c")]
    [InlineData("Authorization: Basic YTpi", null)]
    [InlineData("Authorization: Bearer", null)]
    [InlineData("Authorization:", null)]
    [InlineData("Authorization: Bearera", null)]
    [InlineData("Authorization: Bearer a\r\nAuthorization: Bearer b", null)]
    [InlineData("Authorization: Bearer a\r\nCookie: __Host-ccomet=b", null)]
    [InlineData("Cookie: __Host-ccomet=a\r\nCookie: __Host-ccomet=a", null)]
    [InlineData("Cookie: __Host-ccomet=a; __Host-ccomet=b", null)]
    [InlineData("Cookie: __host-CCOMET=a", null)]
    [InlineData("Cookie: __Host-ccomet=", null)]
    [InlineData("Cookie: __Host-ccomet=a%2Eb", null)]
    [InlineData("Cookie: __Host-ccomet=\"a\"", null)]
    [InlineData("Cookie: a=\"; __Host-ccomet=a; \"", null)]
    [InlineData("Cookie: a=b,__Host-ccomet=a", null)]
    [InlineData("Cookie: a=b;__Host-ccomet=a", null)]
    [InlineData("Cookie: a b; __Host-ccomet=a", null)]
    [InlineData("Cookie: a=__Host-ccomet=b", null)]
    [InlineData("Cookie: __Host-ccomet", null)]
    public void One_credential_in_a_plain_form_is_read(string lines, string? token)
    {
        var head = HeadOf(lines + "\r\nUser-Agent: a.b.c Bearer\r\n");
        Assert.Equal(token, ParkableRequest.Read(Encoding.Latin1.GetBytes(head), Tokens) is { } read ? head[read.Token] : null);
    }

    /// <summary>Where pages of all origins may call, a cookie does not say that the user wanted the request.</summary>
    [Fact]
    public void Cookie_is_read_where_it_counts()
    {
        var host = ParkingRequests.NewHost() with { TakesTokens = true };
        Assert.Equal(default, Read("Cookie: __Host-ccomet=a.b.c\r\n", host)!.Value.Token);
        Assert.Equal(default, Read("Cookie: __Host-ccomet=a.b.c\r\nAuthorization: Basic YTpi\r\n")!.Value.Token);
    }

    [Theory]
    [InlineData("&ticket=abc", "", "abc")]
    [InlineData("&ticket=a&ticket=b", "", "a b")]
    [InlineData("&ticket=a%2Db", "", "a-b")]
    [InlineData("&ticket=a", "Cookie: c=d\r\n", "a")]
    [InlineData("&ticket=a", "Cookie: __Host-ccomet=b\r\n", null)]
    [InlineData("&ticket=a", "Authorization: Bearer b\r\n", null)]
    [InlineData("&ticket=eyJhIjoxfQ.b.c", "", null)]
    [InlineData("&ticket=%FF", "", null)]
    [InlineData("&token=a", "", null)]
    public void Tickets_are_read_where_there_is_no_other_credential(string query, string lines, string? tickets)
    {
        var read = ParkableRequest.Read(Encoding.Latin1.GetBytes(HeadOf(lines, query)), Tokens);
        Assert.Equal(tickets, read is null ? null : string.Join(' ', read.Value.Caller.Tickets));
    }

    [Fact]
    public void Ticket_means_nothing_where_no_right_is_needed() => Assert.Empty(ParkableRequest.Read(Encoding.Latin1.GetBytes(HeadOf("", "&ticket=a")), ParkingRequests.NewHost())!.Value.Caller.Tickets);

    [Theory]
    [InlineData("push.example", true)]
    [InlineData("PUSH.Example:8080", true)]
    [InlineData("a.wild.example", true)]
    [InlineData("a.b.wild.example:80", true)]
    [InlineData("[::1]:80", true)]
    [InlineData("xn--bcher-kva.example", true)]
    [InlineData("wild.example", false)]
    [InlineData("xwild.example", false)]
    [InlineData("evil.example", false)]
    [InlineData("push.example.", false)]
    [InlineData("push.example:", false)]
    [InlineData("push.example.evil", false)]
    [InlineData("b\u00fccher.example", false)]
    [InlineData("127.0.0.1", false)]
    public void Host_is_compared_as_by_the_host_filter(string host, bool isServed)
    {
        var settings = ParkingRequests.NewHost() with { Hosts = ParkingHost.HostsOf(["push.example", "*.wild.example", "[::1]", "b\u00fccher.example"]) };
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(isServed, settings.Serves(Encoding.Latin1.GetBytes(host)));
            Assert.True(settings.Serves("push.example"u8));
        }
    }

    [Theory]
    [InlineData("*")]
    [InlineData("0.0.0.0")]
    [InlineData("[::]")]
    public void Host_of_any_name_is_let_in_where_one_of_the_settings_is_for_all(string wildcard) => Assert.Empty(ParkingHost.HostsOf(["push.example", wildcard]));

    [Theory]
    [InlineData("X-Forwarded-For: 203.0.113.7", "203.0.113.7")]
    [InlineData("x-forwarded-for: 2001:db8::7\r\nX-Forwarded-Proto: https", "2001:db8::7")]
    [InlineData("X-Forwarded-For: x, 203.0.113.7, 10.0.0.2,10.0.0.1", "203.0.113.7")]
    [InlineData("X-Forwarded-For: 10.0.0.2, 10.0.0.1", "10.0.0.2")]
    [InlineData("X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Host: localhost\r\nX-Forwarded-Port: 443\r\nX-Real-IP: x\r\nForwarded: for=x", "203.0.113.7")]
    [InlineData("DNT: 1", null)]
    [InlineData("X-Forwarded-For:", null)]
    [InlineData("X-Forwarded-For: unknown", null)]
    [InlineData("X-Forwarded-For: 203.0.113.7:80", null)]
    [InlineData("X-Forwarded-For: [2001:db8::7]", null)]
    [InlineData("X-Forwarded-For: 203.0.113", null)]
    [InlineData("X-Forwarded-For: 203.0.113.07", null)]
    [InlineData("X-Forwarded-For: x, 10.0.0.1", null)]
    [InlineData("X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-For: 203.0.113.7", null)]
    [InlineData("X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https, http", null)]
    [InlineData("X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Host: push.example", null)]
    [InlineData("X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Prefix: /x", null)]
    public void Proxy_tells_of_the_client(string lines, string? client)
    {
        var host = ParkingRequests.NewHost() with { IsProxy = address => address.ToString().StartsWith("10.", StringComparison.Ordinal) };
        var read = ParkableRequest.Read(Encoding.Latin1.GetBytes(HeadOf(lines + "\r\n")), host, isFromProxy: true);
        Assert.Equal(client is null ? null : IPAddress.Parse(client), read?.Caller.Address);
        Assert.Equal(client is null, read is null);

        // Who is no proxy may say what it likes.
        Assert.Null(Read(lines + "\r\n", host)!.Value.Caller.Address);
    }

    /// <summary>A page's own origin has the scheme that the proxy tells of.</summary>
    [Theory]
    [InlineData("https", true)]
    [InlineData("http", false)]
    public void Proxy_tells_of_the_scheme(string scheme, bool isOwn)
    {
        var head = HeadOf($"Origin: https://localhost\r\nX-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: {scheme}\r\n");
        Assert.Equal(isOwn, ParkableRequest.Read(Encoding.Latin1.GetBytes(head), ParkingRequests.NewHost(Listed), isFromProxy: true) is not null);
    }

    [Theory]
    [InlineData("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    [InlineData("tracestate: a=b")]
    [InlineData("baggage: a=b")]
    public void Trace_is_left_where_requests_are_traced(string line)
    {
        Assert.NotNull(Read(line + "\r\n"));
        Assert.Null(Read(line + "\r\n", ParkingRequests.NewHost() with { IsTraced = () => true }));
    }

    private static string HeadOf(string lines, string query = "") => $"GET /sub?channel=a{query} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n";

    private static ParkableRequest? Read(string lines, ParkingHost? host = null) => ParkableRequest.Read(Encoding.Latin1.GetBytes(HeadOf(lines)), host ?? ParkingRequests.NewHost());
}
