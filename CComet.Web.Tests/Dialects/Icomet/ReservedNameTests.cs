using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary>The channels that the server keeps for itself, at every door.</summary>
public sealed class ReservedNameTests(IcometStores stores) : IClassFixture<IcometStores>
{
    public static TheoryData<string> Private => ["$ccomet.nodes", "$ccomet.keys", "$ccomet.x"];

    private IcometServer Server => stores["Memory"];

    [Theory, MemberData(nameof(Private))]
    public async Task Channel_of_the_servers_own_is_read_at_no_door(string channel)
    {
        await Server.AskAsync("/sign", ("cname", "c"));
        var name = Uri.EscapeDataString(channel);
        foreach (var path in (string[])["/sub?seqid=0&wait=0&", "/sse?", "/stream?", "/sign?"]) (await Server.Server.Http.AskAsync($"{path}channel={name}")).AssertProblem(403);
        (await Server.Server.Http.AskAsync($"/sub?channel=c&channel={name}&seqid=0&seqid=0&wait=0")).AssertProblem(403);
        (await Server.Server.Http.AskAsync($"/sub?callback=cb&seqid=0&channel={name}")).AssertJsonpProblem("cb", "403");
        Assert.Contains(" 403 ", (await RawSocket.ShakeHandsAsync(Server.Server.Port, $"channel={name}", RawSocket.Upgrade)).Head, StringComparison.Ordinal);
        foreach (var path in (string[])["/sub", "/poll", "/stream"]) Assert.Equal("401", (await Server.Front.AskAsync($"{path}?seq=1&cname={name}")).Json.Type());
        foreach (var path in (string[])["/sse", "/iframe"]) Assert.Contains("\"type\":\"401\"", (await Server.Front.AskAsync($"{path}?seq=1&cname={name}")).Text, StringComparison.Ordinal);
        foreach (var path in (string[])["/sign", "/check", "/info"]) Assert.Equal(403, (await Server.Admin.AskAsync($"{path}?cname={name}")).Status);
    }

    [Theory, MemberData(nameof(Private))]
    public async Task Channel_of_the_servers_own_is_published_to_at_no_door(string channel)
    {
        var name = Uri.EscapeDataString(channel);
        (await Server.Server.Http.AskAsync($"/pub?channel={name}&msg=m")).AssertProblem(403);
        (await Server.Server.Http.AskAsync("/pub", Asking.Body($$"""[{"channel":"fine","msg":"m"},{"channel":"{{channel}}","msg":"m"}]"""))).AssertProblem(403);
        Assert.Empty((await Server.Server.Http.PeekAsync("fine", ("seqid", "0"))).Elements);
        (await Server.Server.Http.AskAsync($"/sign?channel={name}&sname=a")).AssertProblem(403);
        Assert.Contains("403", (await Server.Server.Http.AskAsync($"/publish?callback=cb&channel={name}&sname=a&msg=m")).Text, StringComparison.Ordinal);
        foreach (var path in (string[])["/push?content=m&", "/pub?content=m&", "/close?", "/clear?"]) Assert.Equal(403, (await Server.Admin.AskAsync($"{path}cname={name}")).Status);
        using var socket = await RawSocket.OpenAsync(Server.Server.Port, "channel=c");
        await socket.ElementsAsync();
        await socket.SendJsonAsync(new { channel, msg = "m" });
        Assert.Equal("403", Assert.Single(await socket.ElementsAsync()).GetProperty("type").GetString());
    }
}
