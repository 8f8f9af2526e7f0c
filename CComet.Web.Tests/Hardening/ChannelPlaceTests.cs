using System.Net;
using CComet.Access;
using CComet.Messages;
using CComet.Subscriptions;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Hardening;

/// <summary>The attack: to take every place for a channel with names that nobody else uses, by polls that end at once or by streams that stay.</summary>
public sealed class ChannelPlaceTests
{
    private const int Places = 256;
    private const int NamesPerRequest = 64;

    private static readonly HubOptions Options = new() { Limits = new LimitOptions { Channels = Places } };

    private static readonly CallerContext Attacker = new(IPAddress.Parse("192.0.2.1"));
    private static readonly CallerContext Other = new(IPAddress.Parse("192.0.2.2"));

    [Fact]
    public async Task Polls_of_fresh_names_that_have_ended_take_no_place_from_others()
    {
        using var fixture = NewFixture();
        for (var poll = 0; poll < 40; poll++)
        {
            using var subscriber = await fixture.Operations.SubscribeAsync(Attacker, Fresh($"{poll}"), null);
            Assert.Empty(await subscriber.ReadAsync(park: false));
            Assert.InRange(fixture.Hub.ChannelCount, 1, Places);
        }

        Assert.Equal(0, fixture.Hub.SubscriberCount);
        using var served = await fixture.Operations.SubscribeAsync(Other, Fresh("new"), null);
        Assert.InRange(fixture.Hub.ChannelCount, 1, Places);
        Assert.Empty(fixture.Hub.Context.Limits.Met);
    }

    [Fact]
    public async Task Streams_of_one_address_leave_half_of_the_places_to_others()
    {
        using var fixture = NewFixture();
        var streams = new List<Subscriber>();
        var refusal = await Assert.ThrowsAsync<LimitException>(async () =>
        {
            for (var stream = 0; stream < 1_500; stream++) streams.Add(await fixture.Operations.SubscribeAsync(Attacker, Fresh($"{stream}"), null));
        });
        Assert.Equal("channel", refusal.Parameter);
        Assert.Contains("CComet:Limits:ChannelsPerAddress", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("CComet:Proxies", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(Places / 2 / NamesPerRequest, streams.Count);

        using var other = await fixture.Operations.SubscribeAsync(Other, Fresh("other"), null);

        // What the attacker holds is enough for it: a channel that is open already takes no further place.
        using (await fixture.Operations.SubscribeAsync(Attacker, Fresh("other"), null))
        {
        }

        streams.ForEach(s => s.Dispose());
        using var again = await fixture.Operations.SubscribeAsync(Attacker, Fresh("again"), null);
    }

    [Fact]
    public async Task Channels_with_subscribers_are_never_evicted_and_one_too_many_is_refused()
    {
        using var fixture = NewFixture();
        var streams = new List<Subscriber>();
        for (var i = 0; i < Places / NamesPerRequest; i++) streams.Add(await fixture.Operations.SubscribeAsync(CallerContext.Local, Fresh($"{i}"), null));
        var refusal = await Assert.ThrowsAsync<LimitException>(async () => await fixture.SubscribeAsync("one too many"));
        Assert.Equal("Limits:Channels", refusal.Setting);
        Assert.Equal(["Limits:Channels"], fixture.Hub.Context.Limits.Met);
        Assert.Equal(Places, fixture.Hub.ChannelCount);

        streams[0].Dispose();
        (await fixture.SubscribeAsync("one too many")).Dispose();
        Assert.Equal(Places / NamesPerRequest - 1, fixture.Hub.SubscriberCount);
    }

    [Fact]
    public async Task Eviction_takes_the_channel_that_has_been_idle_for_the_longest_time()
    {
        using var fixture = NewFixture(new HubOptions { Limits = new LimitOptions { Channels = 3 } });
        foreach (var name in (string[])["a", "b", "c", "a"]) (await fixture.SubscribeAsync(name)).Dispose();
        (await fixture.SubscribeAsync("d")).Dispose();
        Assert.Null(fixture.Hub.Find("b"));
        foreach (var name in (string[])["a", "c", "d"]) Assert.NotNull(fixture.Hub.Find(name));
    }

    [Fact]
    public async Task Poller_that_comes_back_finds_its_empty_channel_open_and_costs_the_store_no_read()
    {
        var time = new FakeTimeProvider();
        var store = new RoomyStore(time);
        using var fixture = new HubFixture(Options, store, time);
        for (var poll = 0; poll < 100; poll++)
        {
            using var subscriber = await fixture.SubscribeAsync("quiet");
            Assert.Empty(await subscriber.ReadAsync(park: true));
            time.Advance(TimeSpan.FromSeconds(28));
            await fixture.Hub.SweepAsync();
        }

        Assert.Equal(1, store.Follows);
        time.Advance(Options.Limits.IdleChannel);
        await fixture.Hub.SweepAsync();
        Assert.Equal(0, fixture.Hub.ChannelCount);
    }

    [Fact]
    public async Task Cursor_of_an_evicted_channel_misses_nothing()
    {
        using var fixture = NewFixture();
        var receipt = await fixture.PublishAsync("c", "seen");
        (await fixture.SubscribeAsync("c")).Dispose();
        for (var poll = 0; poll < 10; poll++) (await fixture.Operations.SubscribeAsync(Attacker, Fresh($"{poll}"), null)).Dispose();
        Assert.Null(fixture.Hub.Find("c"));
        await fixture.PublishAsync("c", "missed");
        using var subscriber = await fixture.SubscribeAsync("c", new Cursor(receipt.Epoch, receipt.Seqid + 1));
        Assert.Equal(["missed"], HubFixture.Texts(await subscriber.ReadAsync(park: true)));
    }

    [Fact]
    public async Task Idle_channels_that_come_and_go_at_once_on_many_threads_are_counted_right()
    {
        using var fixture = NewFixture(new HubOptions { Limits = new LimitOptions { Channels = 8 } });
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(async () =>
        {
            for (var i = 0; i < 2_000; i++)
            {
                using var subscriber = await fixture.SubscribeAsync($"{(thread + 1) * i % 23}");
                Assert.Empty(await subscriber.ReadAsync(park: true));
            }
        })));
        Assert.Equal(0, fixture.Hub.SubscriberCount);

        // Threads that add at one moment may each be one over.
        Assert.InRange(fixture.Hub.ChannelCount, 1, 8 + 4);
        fixture.Time.Advance(TimeSpan.FromHours(1));
        await fixture.Hub.SweepAsync();
        Assert.Equal(0, fixture.Hub.ChannelCount);
    }

    [Fact]
    public async Task Sub_of_64_fresh_names_leaves_room_for_a_publish_to_a_new_one()
    {
        var file = Path.Combine(Path.GetTempPath(), $"ccomet-{Guid.NewGuid():N}");
        await using (var factory = new CCometFactory("CComet:Store:Kind=Sqlite", $"CComet:Store:Path={Path.Combine(file, "c.db")}", "CComet:Limits:Channels=100"))
        {
            using var http = factory.CreateClient();
            for (var poll = 0; poll < 10; poll++)
            {
                Assert.Empty((await http.AskAsync($"/sub?wait=0{string.Concat(Fresh($"{poll}").Select(s => $"&channel={s.Channel}"))}")).Elements);

                // A poll is counted out once its answer is on its way: until then it holds its places.
                await Eventually.TrueAsync(() => factory.Hub.SubscriberCount == 0, "Leaving of the poll");
            }

            await http.PublishAsync("new", "m");
            Assert.Equal(["m"], await http.KeptAsync("new"));
        }

        Directory.Delete(file, recursive: true);
    }

    private static HubFixture NewFixture(HubOptions? options = null)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        return new HubFixture(options ?? Options, new RoomyStore(time), time);
    }

    private static ChannelStart[] Fresh(string prefix) => [.. Enumerable.Range(0, NamesPerRequest).Select(i => new ChannelStart($"{prefix}-{i}", Cursor.None))];
}
