using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary><c>/psub</c>: which channels have subscribers, and which have none any more.</summary>
public sealed class PsubTests
{
    public static TheoryData<string> Stores => IcometServer.Stores;

    private static FakeTimeProvider NewTime() => new(DateTimeOffset.UnixEpoch.AddYears(50));

    [Theory, MemberData(nameof(Stores))]
    public async Task Psub_tells_1_of_a_channel_with_its_first_subscriber_and_0_after_its_last(string store)
    {
        var time = NewTime();
        await using var server = await IcometServer.StartAsync(time, store);
        using var psub = await OpenAnswer.GetAsync($"{server.AdminUrl}/psub");
        Assert.Equal("text/plain; charset=utf-8", psub.Head.Content.Headers.ContentType!.ToString());
        Assert.True(psub.Head.Headers.TransferEncodingChunked);
        var one = await server.StreamAsync("zimmer ☄️ 1");
        Assert.Equal("1 zimmer ☄️ 1", await psub.LineAsync());
        var two = await server.StreamAsync("zimmer ☄️ 1");
        using var other = await server.StreamAsync("b");
        Assert.Equal("1 b", await psub.LineAsync());
        one.Dispose();
        two.Dispose();
        await server.UntilLeftAsync("zimmer ☄️ 1");
        Assert.Equal("0 zimmer ☄️ 1", await UntilAsync(time, psub, "0 zimmer ☄️ 1"));
        Assert.Equal("{}", (await server.AskAsync("/check", ("cname", "zimmer ☄️ 1"))).GetRawText());
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Psub_begins_with_the_channels_that_are_online(string store)
    {
        await using var server = await IcometServer.StartAsync(store);
        using var a = await server.StreamAsync("a");
        using var b = await server.StreamAsync("b");
        using var psub = await OpenAnswer.GetAsync($"{server.AdminUrl}/psub");
        Assert.Equal(["1 a", "1 b"], new[] { await psub.LineAsync(), await psub.LineAsync() }.Order());
    }

    [Fact]
    public async Task Hole_between_two_polls_is_not_told()
    {
        var time = NewTime();
        await using var server = await IcometServer.StartAsync(time, "Memory", "CComet:Icomet:ChannelTimeout=10:00:00", "CComet:Poll:Timeout=00:00:20");
        using var psub = await OpenAnswer.GetAsync($"{server.AdminUrl}/psub");
        for (var round = 0; round < 10; round++)
        {
            Assert.Equal("noop", (await time.UntilAsync(await server.ParkAsync("a"), TimeSpan.FromSeconds(1))).Type());
            await server.UntilLeftAsync("a");
        }

        Assert.Equal("1 a", await psub.LineAsync());
        while (await time.UntilAsync(psub.LineAsync(), TimeSpan.FromSeconds(600)) is var line && line != "0 a") Assert.Equal("1 a", line);
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Channels_that_are_online_are_told_again_through_an_hour(string store)
    {
        var time = NewTime();
        var begun = time.GetUtcNow();
        await using var server = await IcometServer.StartAsync(time, store);
        using var psub = await OpenAnswer.GetAsync($"{server.AdminUrl}/psub");
        using var stream = await server.StreamAsync("a");
        while (time.GetUtcNow() - begun < TimeSpan.FromHours(1)) Assert.Equal("1 a", await time.UntilAsync(psub.LineAsync()));
        stream.Dispose();
        await server.UntilLeftAsync("a");
        Assert.Equal("0 a", await UntilAsync(time, psub, "0 a"));
    }

    [Fact]
    public async Task Channels_of_native_clients_are_told_and_those_of_the_server_are_not()
    {
        await using var server = await IcometServer.StartAsync("Memory");
        using var psub = await OpenAnswer.GetAsync($"{server.AdminUrl}/psub");
        using var native = await OpenAnswer.GetAsync($"{server.Server.Url}/sse?channel=room");
        Assert.Equal("1 room", await psub.LineAsync());
    }

    [Fact]
    public async Task Psub_of_one_node_tells_the_channels_of_both_and_0_after_the_last_of_either()
    {
        // By the clock of the machine: one that is turned runs ahead of what the nodes have told each other.
        await using var nodes = await IcometNodes.StartAsync("CComet:Icomet:ChannelTimeout=00:00:01");
        using var psub = await OpenAnswer.GetAsync($"{nodes.A.AdminUrl}/psub");
        var atA = await nodes.A.StreamAsync("a");
        Assert.Equal("1 a", await psub.LineAsync());
        var atB = await nodes.B.StreamAsync("a");
        using var only = await nodes.B.StreamAsync("only b");

        await PassAsync(psub, "1 only b");
        atA.Dispose();
        await nodes.A.UntilLeftAsync("a");
        for (var told = 0; told < 3; told++) await PassAsync(psub, "1 a");
        atB.Dispose();
        await nodes.B.UntilLeftAsync("a");
        await PassAsync(psub, "0 a");
    }

    [Fact]
    public async Task Channels_of_a_node_that_was_killed_go_offline()
    {
        var time = NewTime();
        await using var nodes = await IcometNodes.StartAsync(time);
        using var psub = await OpenAnswer.GetAsync($"{nodes.A.AdminUrl}/psub");
        var front = Ports.Take();
        var killed = ServerProcess.Start("--CComet:Store:Kind=Redis", $"--CComet:Store:Redis={nodes.Redis}", $"--CComet:Icomet:Front=http://127.0.0.1:{front}");
        await using (killed)
        {
            await killed.StartedAsync();
            using var stream = await OpenAnswer.GetAsync($"http://127.0.0.1:{front}/stream?cname=a");
            Assert.Equal("1 a", await psub.LineAsync());
        }

        Assert.Equal("0 a", await UntilAsync(time, psub, "0 a"));
    }

    [Fact]
    public async Task Node_that_starts_later_is_told_what_the_other_has()
    {
        await using var nodes = await IcometNodes.StartAsync();
        using var stream = await nodes.A.StreamAsync("a");
        await nodes.B.RestartAsync();
        using var psub = await OpenAnswer.GetAsync($"{nodes.B.AdminUrl}/psub");
        Assert.Equal("1 a", await psub.LineAsync());
    }

    /// <summary>Reads up to a line; before it only what is told again of those that are online.</summary>
    private static async Task PassAsync(OpenAnswer psub, string wanted)
    {
        while (await psub.LineAsync() is var line && line != wanted) Assert.StartsWith("1 ", line, StringComparison.Ordinal);
    }

    /// <summary>Turns the clock and passes over what is told again, up to a line.</summary>
    private static async Task<string?> UntilAsync(FakeTimeProvider time, OpenAnswer psub, string wanted)
    {
        while (true)
        {
            var line = await time.UntilAsync(psub.LineAsync());
            if (line == wanted || line?.StartsWith("1 ", StringComparison.Ordinal) != true) return line;
        }
    }
}
