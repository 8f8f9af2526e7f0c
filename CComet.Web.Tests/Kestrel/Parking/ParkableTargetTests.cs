using static CComet.Web.Tests.Kestrel.Parking.ParkableHeads;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>Which paths and queries are let in: those that are read as the web server's own rules read them.</summary>
public sealed class ParkableTargetTests
{
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
    public void Path_base_is_compared_as_it_stands()
    {
        var host = Host with { PathBase = "/push"u8.ToArray() };
        Assert.NotNull(Read("GET /push/sub?channel=a HTTP/1.1\r\nHost: a\r\n\r\n", host));
        foreach (var path in (string[])["/sub", "/PUSH/sub", "/push/push/sub", "/push//sub", "/pushsub", "/push", "/pushy/sub", "/p"]) Assert.Null(Read($"GET {path}?channel=a HTTP/1.1\r\nHost: a\r\n\r\n", host));
    }
}
