using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary><c>CComet:Icomet:Auth=token</c>: who subscribes needs what <c>/sign</c> gave for the channel.</summary>
public sealed class TokenTests
{
    private const string Token = "CComet:Icomet:Auth=token";

    public static TheoryData<string> Stores => IcometServer.Stores;

    private static FakeTimeProvider NewTime() => new(DateTimeOffset.UnixEpoch.AddYears(50));

    [Theory, MemberData(nameof(Stores))]
    public async Task Subscriber_without_a_token_that_holds_is_told_401_inside_a_200(string store)
    {
        await using var server = await IcometServer.StartAsync(store, Token);
        var (own, others) = (await SignAsync(server, "c"), await SignAsync(server, "other"));
        string[] bad = ["", "&token=", "&token=x", $"&token={others}", $"&token={own}x", $"&token={own[..^1]}", $"&token={(own[0] == 'B' ? 'C' : 'B')}{own[1..]}", $"&token={new string('A', own.Length)}", $"&token={new string('*', own.Length)}"];
        foreach (var token in bad)
        {
            foreach (var path in (string[])["/sub", "/poll", "/stream"])
            {
                var answer = await server.Front.AskAsync($"{path}?cname=c&seq=1{token}");
                Assert.Equal((200, "401"), (answer.Status, answer.Json.Type()));
            }

            Assert.Equal("401", (await server.Front.AskAsync($"/sub?cname=c&cb=cb{token}")).ArgumentOf("cb").Type());
            var events = await server.Front.AskAsync($"/sse?cname=c{token}");
            Assert.Equal((200, "text/event-stream; charset=utf-8"), (events.Status, events.Header("Content-Type")));
            Assert.Equal("401", IcometReading.ArgumentOf(events.Text, "data: ", "\n\n").Type());
            Assert.Contains("<script>parent.icomet_cb({\"type\":\"401\"", (await server.Front.AskAsync($"/iframe?cname=c{token}")).Text, StringComparison.Ordinal);
        }

        Assert.Equal(0, server.Server.Hub.Find("c")?.Subscribers ?? 0);
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Token_opens_its_channel_on_every_transport(string store)
    {
        await using var server = await IcometServer.StartAsync(store, Token);
        await server.PushAsync("c", "m");
        var token = await SignAsync(server, "c");
        foreach (var path in (string[])["/sub", "/poll"]) Assert.Equal(["m"], (await server.Front.AskAsync($"{path}?cname=c&seq=1&token={token}")).Json.Contents());
        foreach (var path in (string[])["/stream", "/sse", "/iframe"])
        {
            using var stream = await OpenAnswer.GetAsync($"{server.FrontUrl}{path}?cname=c&seq=1&token={token}");
            if (path == "/iframe") await stream.LineAsync();
            Assert.Contains("\"content\":\"m\"", await stream.LineAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Token_is_not_asked_for_unless_the_settings_say_so()
    {
        await using var server = await IcometServer.StartAsync("Memory");
        await server.PushAsync("c", "m");
        Assert.Equal(["m"], (await server.PollAsync(("cname", "c"), ("seq", "1"), ("token", "whatever"))).Contents());
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Token_that_is_not_used_holds_until_it_expires(string store)
    {
        var time = NewTime();
        await using var server = await IcometServer.StartAsync(time, store, Token);
        await server.PushAsync("c", "m");
        var (used, unused) = (await SignAsync(server, "c", 60), await SignAsync(server, "c", 60));
        time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(["m"], (await server.PollAsync(("cname", "c"), ("seq", "1"), ("token", used))).Contents());
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("401", (await server.PollAsync(("cname", "c"), ("seq", "1"), ("token", unused))).Type());
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Token_in_use_by_polls_goes_on_holding_until_it_is_used_no_more(string store)
    {
        var time = NewTime();
        await using var server = await IcometServer.StartAsync(time, store, Token);
        await server.PushAsync("c", "m");
        var token = await SignAsync(server, "c", 36_000);
        for (var round = 0; round < 10; round++)
        {
            Assert.Equal("noop", (await time.UntilAsync(await server.ParkAsync("c", ("seq", "2"), ("token", token)), TimeSpan.FromSeconds(1))).Type());
            await server.UntilLeftAsync("c");
            time.Advance(TimeSpan.FromHours(5));
        }

        await UntilRefusedAsync(server, token, time, TimeSpan.FromHours(11));
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Token_of_a_stream_goes_on_holding_while_it_is_open_for_a_client_that_comes_back_before_its_end_was_noticed(string store)
    {
        var time = NewTime();
        await using var server = await IcometServer.StartAsync(time, store, Token);
        await server.PushAsync("c", "m");
        var token = await SignAsync(server, "c", 60);
        using var old = await server.StreamAsync("c", ("seq", "2"), ("token", token));
        var begun = time.GetUtcNow();
        while (time.GetUtcNow() - begun < TimeSpan.FromHours(1)) Assert.Equal("noop", (await time.UntilAsync(old.JsonAsync())).Type());
        using var other = await server.StreamAsync("b", ("token", await SignAsync(server, "b")));
        using var again = await server.StreamAsync("c", ("seq", "1"), ("token", token));
        Assert.Equal("data 1", (await again.JsonAsync()).Told());
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Token_of_a_stream_that_ended_holds_for_its_life_from_then_on(string store)
    {
        var time = NewTime();
        await using var server = await IcometServer.StartAsync(time, store, Token);
        await server.PushAsync("c", "m");
        var token = await SignAsync(server, "c", 60);
        using var old = await server.StreamAsync("c", ("seq", "2"), ("token", token));
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(200, (await server.Admin.AskAsync("/close?cname=c")).Status);
        while (await old.LineAsync() is not null)
        {
            // To its end.
        }

        time.Advance(TimeSpan.FromSeconds(50));
        Assert.Equal(["m"], (await server.PollAsync(("cname", "c"), ("seq", "1"), ("token", token))).Contents());
        await UntilRefusedAsync(server, token, time, TimeSpan.FromMinutes(2));
    }

    [Fact]
    public async Task Token_survives_a_restart()
    {
        await using var server = await IcometServer.StartAsync("Sqlite", Token);
        await server.PushAsync("c", "m");
        var token = await SignAsync(server, "c", 600);
        await server.RestartAsync();
        Assert.Equal(["m"], (await server.PollAsync(("cname", "c"), ("seq", "1"), ("token", token))).Contents());
        Assert.Equal("401", (await server.PollAsync(("cname", "other"), ("seq", "1"), ("token", token))).Type());
    }

    [Fact]
    public async Task Token_holds_on_the_other_node()
    {
        await using var nodes = await IcometNodes.StartAsync(Token);
        var tokens = await Task.WhenAll(SignAsync(nodes.A, "c"), SignAsync(nodes.B, "c"));
        await nodes.A.PushAsync("c", "m");
        foreach (var token in tokens)
        {
            foreach (var node in (IcometServer[])[nodes.A, nodes.B])
                Assert.Equal(["m"], (await node.PollAsync(("cname", "c"), ("seq", "1"), ("token", token))).Contents());
        }
    }

    /// <summary>Leaves a token unused for a time, again when the end of its last use was counted only meanwhile, until it holds no more.</summary>
    private static Task UntilRefusedAsync(IcometServer server, string token, FakeTimeProvider time, TimeSpan unused) => time.UntilAsync(
        async () =>
        {
            var answer = await server.PollAsync(("cname", "c"), ("seq", "1"), ("token", token));
            return answer.ValueKind == System.Text.Json.JsonValueKind.Object && answer.Type() == "401";
        },
        unused,
        "The token's end");

    private static async Task<string> SignAsync(IcometServer server, string channel, int expires = 600) =>
        (await server.AskAsync("/sign", ("cname", channel), ("expires", $"{expires}"))).GetProperty("token").GetString()!;
}
