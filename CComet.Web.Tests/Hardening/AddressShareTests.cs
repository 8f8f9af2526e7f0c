using System.Net;
using CComet.Access;
using CComet.Limits;
using CComet.Messages;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Hardening;

/// <summary>The attack: one client takes every subscription, or makes every channel that the store keeps, and the server is full for the others.</summary>
public sealed class AddressShareTests
{
    private const string AddressHeader = "X-Test-Address";

    private static readonly CallerContext One = new(IPAddress.Parse("192.0.2.1"));
    private static readonly CallerContext Two = new(IPAddress.Parse("192.0.2.2"));

    [Fact]
    public async Task Subscriptions_of_one_address_are_bounded_and_free_again_when_they_end()
    {
        using var fixture = NewFixture(new LimitOptions { SubscribersPerAddress = 3 });
        var both = await fixture.Operations.SubscribeAsync(One, Starts("a", "b"), null);
        using var third = await fixture.Operations.SubscribeAsync(One, Starts("a"), null);
        var refusal = await Assert.ThrowsAsync<LimitException>(async () => await fixture.Operations.SubscribeAsync(One, Starts("a"), null));
        Assert.Equal(("channel", "Limits:SubscribersPerAddress", false), (refusal.Parameter, refusal.Setting, refusal.IsGlobal));
        Assert.Contains("CComet:Proxies", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(2, fixture.Hub.SubscriberCount);
        using var other = await fixture.Operations.SubscribeAsync(Two, Starts("a"), null);
        using var local = await fixture.Operations.SubscribeAsync(CallerContext.Local, Starts("a", "b", "c", "d"), null);

        both.Dispose();
        using var again = await fixture.Operations.SubscribeAsync(One, Starts("a", "b"), null);
    }

    [Fact]
    public async Task Share_of_an_address_is_half_of_the_whole_unless_it_is_set()
    {
        using var fixture = NewFixture(new LimitOptions { Subscribers = 5, Channels = 7 });
        Assert.Equal((3, 4), (fixture.Hub.Context.Quotas.Addresses.Bounds.Subscriptions, fixture.Hub.Context.Quotas.Addresses.Bounds.OpenChannels));
        using var first = await fixture.Operations.SubscribeAsync(One, Starts("a", "b", "c"), null);
        await Assert.ThrowsAsync<LimitException>(async () => await fixture.Operations.SubscribeAsync(One, Starts("a"), null));
    }

    [Fact]
    public async Task Publisher_of_fresh_names_is_refused_while_its_known_names_and_other_addresses_go_on()
    {
        using var fixture = NewFixture(new LimitOptions { ChannelsPerAddress = 3 });
        for (var i = 0; i < 3; i++) await PublishAsync(One, $"{i}");
        foreach (var publish in (Func<Task>[])[() => PublishAsync(One, "new"), () => PublishAsync(One, "0", "new"), () => SignAsync(One, "new")])
        {
            var refusal = await Assert.ThrowsAsync<LimitException>(publish);
            Assert.Equal(("channel", "Limits:ChannelsPerAddress", false), (refusal.Parameter, refusal.Setting, refusal.IsGlobal));
            Assert.True(refusal.RetryAfter > TimeSpan.Zero);
        }

        Assert.Equal(1, (await PublishAsync(One, "0"))[0].Seqid);
        await SignAsync(One, "1");
        Assert.Equal(0, (await PublishAsync(Two, "new"))[0].Seqid);
        Assert.Equal(1, (await PublishAsync(One, "new"))[0].Seqid);

        // The share is free again as the channels' messages age.
        fixture.Time.Advance(fixture.Options.History.MaxAge / 2);
        await fixture.Hub.SweepAsync();
        await PublishAsync(One, "later");
        fixture.Time.Advance(fixture.Options.History.MaxAge);
        await fixture.Hub.SweepAsync();
        Assert.Equal(0, fixture.Hub.Context.Quotas.Addresses.Count);

        async Task<IReadOnlyList<Receipt>> PublishAsync(CallerContext caller, params string[] names) =>
            await fixture.Operations.PublishAsync(caller, [.. names.Select(n => HubFixture.NewMessage(n, "m"))]);

        async Task SignAsync(CallerContext caller, string name)
        {
            using var signIn = await fixture.Operations.SignAsync(caller, name, null);
        }
    }

    [Fact]
    public async Task Repeated_ids_make_no_channel()
    {
        using var fixture = NewFixture(new LimitOptions { ChannelsPerAddress = 2 });
        for (var i = 0; i < 5; i++) await fixture.Operations.PublishAsync(One, [HubFixture.NewMessage("c", "m", "same")]);
        Assert.Equal(0, (await fixture.Operations.PublishAsync(One, [HubFixture.NewMessage("d", "m")]))[0].Seqid);
    }

    [Fact]
    public async Task Address_that_holds_nothing_is_forgotten()
    {
        using var fixture = NewFixture(new LimitOptions());
        for (var i = 0; i < 1_000; i++) (await fixture.Operations.SubscribeAsync(new CallerContext(new IPAddress(i + 1L)), Starts("a"), null)).Dispose();
        using var stays = await fixture.Operations.SubscribeAsync(One, Starts("a"), null);
        await fixture.Hub.SweepAsync();
        Assert.Equal(1, fixture.Hub.Context.Quotas.Addresses.Count);
    }

    [Theory]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("::1", "0.0.0.1", false)]
    public void Address_is_counted_by_its_network(string one, string other, bool isSame) =>
        Assert.Equal(isSame, AddressKey.Create(IPAddress.Parse(one)) == AddressKey.Create(IPAddress.Parse(other)));

    [Fact]
    public async Task Every_verb_that_subscribes_is_held_to_the_share_of_its_address()
    {
        await using var server = await LiveServer.StartAsync("CComet:Limits:SubscribersPerAddress=2");
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=a&channel=b");
        foreach (var path in (string[])["/sub?channel=a&wait=0", "/sse?channel=a", "/stream?channel=a", "/sub?channel=a&callback=f", "/ws?channel=a"])
        {
            var answer = await server.Http.AskAsync(path);
            if (path.EndsWith("callback=f", StringComparison.Ordinal)) answer.AssertJsonpProblem("f", "429", "CComet:Limits:SubscribersPerAddress");
            else AssertLimit(answer, "CComet:Limits:SubscribersPerAddress");
        }

        await server.PublishAsync("a", "publishing goes on");
    }

    [Fact]
    public async Task Every_verb_that_makes_channels_is_held_to_the_share_of_its_address()
    {
        await using var server = await LiveServer.StartAsync("CComet:Limits:ChannelsPerAddress=2");
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=a");
        await socket.ElementsAsync();
        await socket.SendJsonAsync(new { channel = "x", msg = "m" });
        Assert.Equal("pub", (await socket.ElementsAsync()).Single().GetProperty("type").GetString());
        await server.PublishAsync("y", "m");

        AssertLimit(await server.Http.AskAsync("/pub?channel=z&msg=m"), "CComet:Limits:ChannelsPerAddress");
        AssertLimit(await server.Http.AskAsync("/pub", Asking.Body("""[{"channel":"y","msg":1},{"channel":"z","msg":1}]""")), "CComet:Limits:ChannelsPerAddress");
        AssertLimit(await server.Http.AskAsync("/sign?channel=z"), "CComet:Limits:ChannelsPerAddress");
        (await server.Http.AskAsync("/pub?channel=z&msg=m&callback=f")).AssertJsonpProblem("f", "429", "CComet:Limits:ChannelsPerAddress");
        await socket.SendJsonAsync(new { channel = "z", msg = "m" });
        Assert.Equal("429", (await socket.ElementsAsync()).Single().GetProperty("type").GetString());

        foreach (var path in (string[])["/pub?channel=x&msg=m", "/sign?channel=y"]) Assert.NotEmpty((await server.Http.AskAsync(path)).Elements);
    }

    [Fact]
    public async Task Address_of_the_request_decides_whose_share_it_is()
    {
        await using var factory = new CCometFactory("CComet:Limits:ChannelsPerAddress=1")
        {
            OnRequest = context => context.Connection.RemoteIpAddress = IPAddress.Parse(context.Request.Headers[AddressHeader].ToString()),
        };
        using var http = factory.CreateClient();
        Assert.Equal(200, (await AskAsync("192.0.2.1", "/pub?channel=a&msg=m")).Status);
        Assert.Equal(429, (await AskAsync("192.0.2.1", "/pub?channel=b&msg=m")).Status);
        Assert.Equal(200, (await AskAsync("192.0.2.2", "/pub?channel=b&msg=m")).Status);

        Task<Answer> AskAsync(string address, string path) => http.AskAsync(HttpMethod.Get, path, headers: headers => headers.Add(AddressHeader, address));
    }

    private static HubFixture NewFixture(LimitOptions limits)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        return new HubFixture(new HubOptions { Limits = limits }, new RoomyStore(time), time);
    }

    private static ChannelStart[] Starts(params string[] names) => [.. names.Select(n => new ChannelStart(n, Cursor.None))];

    private static void AssertLimit(Answer answer, string setting)
    {
        answer.AssertProblem(429, "channel");
        Assert.Contains(setting, answer.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.NotNull(answer.Header("Retry-After"));
    }
}
