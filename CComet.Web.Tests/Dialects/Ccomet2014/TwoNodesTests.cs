using CComet.Web.Tests.Contract.Faults;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Dialects.Ccomet2014;

/// <summary>The dialect of 2014 over two nodes on one real Redis.</summary>
public sealed class TwoNodesTests : IAsyncLifetime
{
    private TwoNodes _nodes = null!;
    private HttpClient _a = null!;
    private HttpClient _b = null!;

    public async Task InitializeAsync()
    {
        _nodes = await TwoNodes.StartAsync();
        (_a, _b) = (New(0), New(1));
    }

    public async Task DisposeAsync()
    {
        _a.Dispose();
        _b.Dispose();
        await _nodes.DisposeAsync();
    }

    [Fact]
    public async Task Publish_at_one_node_reaches_a_poll_at_the_other()
    {
        Assert.Single((await _a.AskAsync("/publish?channel=c&sname=ann&msg=a%20&amp;%20b&callback=f")).JsonpElements("f"));
        var element = Assert.Single((await _b.AskAsync("/subscribe?channel=c&sname=bob&seqid=0&callback=f")).JsonpElements("f"));
        Assert.Equal("a & b", element.GetProperty("msg").GetString());
    }

    [Fact]
    public async Task Sign_in_at_one_node_is_told_to_a_poll_that_waits_at_the_other()
    {
        var poll = _b.AskAsync("/subscribe?channel=c&sname=bob&seqid=0&callback=f");
        while (!poll.IsCompleted)
        {
            // Whether the poll waits yet is known to the other node alone: a sign-in that comes before it is not told.
            await _a.AskAsync("/sign?channel=c&sname=ann");
            await Task.WhenAny(poll, _b.AskAsync("/health/live"));
        }

        var element = Assert.Single((await poll).JsonpElements("f"));
        Assert.Equal(("SIGN", "ann"), (element.GetProperty("type").GetString(), element.GetProperty("sname").GetString()));
    }

    [Fact]
    public async Task Seqid_that_another_node_has_given_is_not_beyond_the_end()
    {
        for (var i = 0; i < 5; i++) await _a.PublishAsync("c", $"{i}");
        var poll = _b.AskAsync("/subscribe?channel=c&sname=bob&seqid=5&callback=f");
        await _a.PublishAsync("c", "next");
        Assert.Equal("next", Assert.Single((await poll).JsonpElements("f")).GetProperty("msg").GetString());
    }

    [Fact]
    public async Task Seqid_beyond_the_end_is_answered_with_everything_that_any_node_has_stored()
    {
        await _a.AskAsync("/sign?channel=c&sname=ann");
        await _a.PublishAsync("c", "one");
        await _b.PublishAsync("c", "two");
        var elements = (await _b.AskAsync("/subscribe?channel=c&sname=bob&seqid=99&callback=f")).JsonpElements("f");
        Assert.Equal(["one 1", "two 2"], elements.Select(e => $"{e.GetProperty("msg")} {e.GetProperty("seqid")}"));
    }

    [Fact]
    public async Task Sign_in_at_one_node_is_not_replayed_by_the_other()
    {
        await _a.AskAsync("/sign?channel=c&sname=ann");
        await _a.PublishAsync("c", "one");
        var element = Assert.Single((await _b.AskAsync("/subscribe?channel=c&sname=bob&seqid=0&callback=f")).JsonpElements("f"));
        Assert.Equal(("MSG", 1), (element.GetProperty("type").GetString(), element.GetProperty("seqid").GetInt32()));
    }

    private HttpClient New(int node) => new() { BaseAddress = new Uri($"http://127.0.0.1:{_nodes.PortOf(node)}"), Timeout = Patience.Limit };
}
