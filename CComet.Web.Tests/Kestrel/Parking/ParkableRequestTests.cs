using static CComet.Web.Tests.Kestrel.Parking.ParkableHeads;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>What is read of a request that can be parked: where it begins, how long it waits, whether it is a poll or a stream, and whether a slot holds it.</summary>
public sealed class ParkableRequestTests
{
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
        var request = Read($"{StreamHead}Accept: text/event-stream\r\nLast-Event-ID: e:7\r\n\r\n")!.Value;
        Assert.Equal((true, "a", "e", 7), (request.IsStream, request.Start.Channel, request.Start.From.Epoch, request.Start.From.Seqid));
    }

    [Fact]
    public void Poll_reads_that_id_from_the_query_alone()
    {
        Assert.Null(Read($"{PollHead}Last-Event-ID: e:7\r\n\r\n")!.Value.Start.From.Epoch);
        Assert.Equal(7, Read("GET /sub?channel=a&lastEventId=e:7 HTTP/1.1\r\nHost: a\r\n\r\n")!.Value.Start.From.Seqid);
    }

    [Fact]
    public void Poll_waits_no_longer_than_the_setting_says()
    {
        Assert.Equal(TimeSpan.FromSeconds(28), Read($"{PollHead}\r\n")!.Value.Wait);
        Assert.Equal(TimeSpan.FromSeconds(28), Read("GET /sub?channel=a&wait=1000 HTTP/1.1\r\nHost: a\r\n\r\n")!.Value.Wait);
        Assert.Equal(TimeSpan.Zero, Read("GET /sub?channel=a&wait=0 HTTP/1.1\r\nHost: a\r\n\r\n")!.Value.Wait);
    }

    [Fact]
    public void Poll_that_asks_for_events_by_its_header_is_a_stream()
    {
        var request = Read($"{PollHead}Accept: text/event-stream\r\nLast-Event-ID: e:7\r\n\r\n")!.Value;
        Assert.Equal((true, false, true, 7), (request.IsStream, request.IsOfLines, request.IsBeside, request.Start.From.Seqid));
        Assert.True(Read($"{PollHead}Accept: text/event-stream\r\nAccept: application/json\r\n\r\n")!.Value.IsStream);
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
        Assert.Null(Read($"{PollHead}Accept: {accept}\r\n\r\n"));
        Assert.Null(Read($"{PollHead}Accept: */*\r\nAccept: {accept}\r\n\r\n"));
        Assert.Null(Read($"{PollHead}Accept: text/event-stream\r\nAccept: {accept}\r\n\r\n"));
        Assert.NotNull(Read($"{StreamHead}Accept: {accept}\r\n\r\n"));
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

    [Fact]
    public void Callback_is_the_web_servers_where_none_is_called_or_a_token_would_not_count()
    {
        const string Script = "GET /sub?channel=a&callback=f HTTP/1.1\r\nHost: a\r\n";
        Assert.NotNull(Read($"{Script}\r\n"));
        Assert.Null(Read($"{Script}\r\n", Host with { MayCallBack = false }));
        Assert.NotNull(Read($"{Script}\r\n", Host with { TakesTokens = true }));
        Assert.Null(Read($"{Script}Authorization: Bearer a.b.c\r\n\r\n", Host with { TakesTokens = true }));
    }
}
