using System.Text;
using CComet.Access;
using CComet.Kestrel.Parking;
using CComet.Web.Tests.Hardening.Fuzz;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>Which requests to the address of icomet's subscribers are parked. All others are the web server's.</summary>
public sealed class ParkableIcometTests
{
    private static readonly ParkingHost Host = (ParkingRequests.NewHost() with { PathBase = "/push"u8.ToArray(), TakesTokens = true, TakesCookies = true }).ForIcomet();

    [Theory]
    [InlineData("/sub", "", false, "Poll")]
    [InlineData("/poll", "", false, "Poll")]
    [InlineData("/sub", "&cb=a.b$", false, "Jsonp")]
    [InlineData("/stream", "", true, "Stream")]
    [InlineData("/sse", "&cb=f", true, "Sse")]
    [InlineData("/iframe", "", true, "Stream")]
    public void Request_is_read_with_all_that_it_asks(string path, string more, bool isStream, string transport)
    {
        var head = $"GET {path}?cname=r%C3%BCm&seq=12&noop=-3&token=t{more} HTTP/1.1\r\nHost: localhost\r\n\r\n";
        var request = Read(head + "GET /next HTTP/1.1\r\n\r\n")!.Value;
        var asked = request.Icomet!.Asked;
        Assert.Equal(("rüm", 12, -3, "t"), (asked.Channel, asked.Seq, asked.Noop, asked.Token));
        Assert.Equal((path, isStream, transport, head.Length, true), (request.Path, request.IsStream, $"{request.Transport}", request.HeadBytes, request.IsBeside));
        Assert.Equal(transport == "Jsonp" ? "a.b$" : null, request.Callback);
    }

    [Theory]
    [InlineData("cname=a&seq=&noop=&token=")]
    [InlineData("cb=icomet_cb_0&cname=a&seq=1&noop=0&token=&callback=cb&_=1700000000000")]
    [InlineData("&cname=a&&_=%00")]
    [InlineData("cname=a&seq=-1&_=1&_=2")]
    public void Query_of_a_client_is_read(string query) => Assert.NotNull(Read($"GET /sub?{query} HTTP/1.1\r\nHost: a\r\n\r\n"));

    [Theory]
    [InlineData("Authorization: Bearer x")]
    [InlineData("Authorization: Basic YTpi")]
    [InlineData("Cookie: __Host-ccomet=x; a=\"b")]
    [InlineData("Accept: text/event-stream")]
    [InlineData("Accept: TEXT/event-stream, */*")]
    [InlineData("Last-Event-ID: 3")]
    [InlineData("Origin: https://page.example")]
    public void Header_that_means_nothing_to_icomet_changes_nothing(string line)
    {
        var request = Read($"GET /sub?cname=a HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n")!.Value;
        Assert.Equal((false, Transport.Poll, ""), (request.IsStream, request.Transport, "GET"[request.Token]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("cname=")]
    [InlineData("cname=a&cname=a")]
    [InlineData("cname=a&cname=b")]
    [InlineData("%63name=a")]
    [InlineData("cname=%00")]
    [InlineData("cname=%FF")]
    [InlineData("cname=a&seq=x")]
    [InlineData("cname=a&seq=1&seq=2")]
    [InlineData("cname=a&seq=99999999999999999999")]
    [InlineData("cname=a&noop=x")]
    [InlineData("cname=a&token=x&token=y")]
    [InlineData("cname=a&cb=")]
    [InlineData("cname=a&cb=a-b")]
    [InlineData("cname=a&cb=f&cb=g")]
    [InlineData("cname=a&content=m")]
    [InlineData("cname=a&channel=a")]
    [InlineData("cname=a&ticket=t")]
    [InlineData("cname=a&x=1")]
    [InlineData("cname=a#f")]
    public void Query_that_is_odd_or_refused_is_left(string query)
    {
        foreach (var path in (string[])["/sub", "/sse"]) Assert.Null(Read($"GET {path}?{query} HTTP/1.1\r\nHost: a\r\n\r\n"));
    }

    [Theory]
    [InlineData("GET /ping?cname=a HTTP/1.1")]
    [InlineData("GET /subscribe?cname=a HTTP/1.1")]
    [InlineData("GET /push/sub?cname=a HTTP/1.1")]
    [InlineData("GET /push?cname=a HTTP/1.1")]
    [InlineData("GET /SUB?cname=a HTTP/1.1")]
    [InlineData("GET /sub/?cname=a HTTP/1.1")]
    [InlineData("GET /%73ub?cname=a HTTP/1.1")]
    [InlineData("GET /sub HTTP/1.1")]
    [InlineData("HEAD /sub?cname=a HTTP/1.1")]
    [InlineData("POST /sub?cname=a HTTP/1.1")]
    [InlineData("GET /sub?cname=a HTTP/1.0")]
    public void Line_that_is_another_is_left(string line) => Assert.Null(Read($"{line}\r\nHost: a\r\n\r\n"));

    [Fact]
    public void Function_is_left_where_JSONP_is_switched_off() => Assert.Null(Read("GET /sub?cname=a&cb=f HTTP/1.1\r\nHost: a\r\n\r\n", Host with { MayCallBack = false }));

    [Fact]
    public void Paths_of_icomet_are_read_on_no_other_address()
    {
        foreach (var path in (string[])["/sub", "/poll", "/stream", "/sse", "/iframe"]) Assert.Null(Read($"GET {path}?cname=a HTTP/1.1\r\nHost: a\r\n\r\n", ParkingRequests.NewHost()));
    }

    [Fact]
    public void No_bytes_are_a_failure()
    {
        var random = new Random(1);
        var wire = new IcometWire(static _ => "");
        var count = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = wire.Next(random, ["lane"], caller: null);
            if (ParkableRequest.Read(random.Once(2) ? bytes : random.Mutate(bytes), Host) is not null) count++;
        }

        Assert.InRange(count, 2_000, 18_000);
    }

    private static ParkableRequest? Read(string head, ParkingHost? host = null) => ParkableRequest.Read(Encoding.Latin1.GetBytes(head), host ?? Host);
}
