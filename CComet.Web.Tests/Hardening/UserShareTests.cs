using CComet.Access;
using CComet.Messages;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Hardening;

/// <summary>The attack: one user, from as many addresses as it likes, takes every subscription, channel or ticket.</summary>
public sealed class UserShareTests
{
    private const string Here = "192.0.2.1";
    private const string There = "192.0.2.2";

    [Fact]
    public async Task Subscriptions_of_one_user_are_bounded_over_all_of_its_addresses_and_free_again_when_they_end()
    {
        using var fixture = NewFixture(new LimitOptions { SubscribersPerUser = 3 });
        var both = await SubscribeAsync(fixture, Callers.At(Here, "ann"), "a", "b");
        using var third = await SubscribeAsync(fixture, Callers.At(There, "ann"), "a");
        var refusal = await Assert.ThrowsAsync<LimitException>(() => SubscribeAsync(fixture, Callers.At(There, "ann"), "a"));
        Assert.Equal(("channel", "Limits:SubscribersPerUser", false), (refusal.Parameter, refusal.Setting, refusal.IsGlobal));
        Assert.Contains("(CComet:Limits:SubscribersPerUser)", refusal.Message, StringComparison.Ordinal);
        Assert.True(refusal.RetryAfter > TimeSpan.Zero);
        Assert.Equal(2, fixture.Hub.SubscriberCount);

        using var other = await SubscribeAsync(fixture, Callers.At(Here, "bob"), "a", "b", "c");
        using var anonymous = await SubscribeAsync(fixture, Callers.At(Here), "a", "b", "c", "d");
        both.Dispose();
        using var again = await SubscribeAsync(fixture, Callers.At(Here, "ann"), "a", "b");
    }

    [Fact]
    public async Task Subscriber_that_one_share_refuses_takes_nothing_of_the_other()
    {
        using var fixture = NewFixture(new LimitOptions { SubscribersPerUser = 1, SubscribersPerAddress = 2 });
        using var first = await SubscribeAsync(fixture, Callers.At(Here, "ann"), "a");
        for (var i = 0; i < 5; i++) await Assert.ThrowsAsync<LimitException>(() => SubscribeAsync(fixture, Callers.At(Here, "ann"), "a"));
        using var second = await SubscribeAsync(fixture, Callers.At(Here), "a");
        for (var i = 0; i < 5; i++) Assert.Equal("Limits:SubscribersPerAddress", (await Assert.ThrowsAsync<LimitException>(() => SubscribeAsync(fixture, Callers.At(Here, "bob"), "a"))).Setting);
        using var elsewhere = await SubscribeAsync(fixture, Callers.At(There, "bob"), "a");
    }

    [Fact]
    public async Task Subscribers_of_users_are_not_counted_where_no_setting_bounds_them()
    {
        using var fixture = NewFixture(new LimitOptions { Subscribers = 5, Channels = 7 });
        var users = fixture.Hub.Context.Quotas.Users;
        using var subscriber = await SubscribeAsync(fixture, Callers.At(Here, "ann"), "a", "b");
        using var elsewhere = await SubscribeAsync(fixture, Callers.At(There, "ann"), "a", "c");
        Assert.Equal(0, users.Count);
        Assert.Equal("Limits:SubscribersPerAddress", (await Assert.ThrowsAsync<LimitException>(() => SubscribeAsync(fixture, Callers.At(There, "ann"), "a", "b"))).Setting);
        Assert.Equal(4, users.Bounds.MadeChannels);
    }

    [Fact]
    public async Task Quota_is_told_before_the_bound_on_the_whole()
    {
        using var fixture = NewFixture(new LimitOptions { Subscribers = 1, SubscribersPerUser = 1, SubscribersPerAddress = 1 });
        using var first = await SubscribeAsync(fixture, Callers.At(Here, "ann"), "a");
        Assert.Equal("Limits:SubscribersPerUser", (await Assert.ThrowsAsync<LimitException>(() => SubscribeAsync(fixture, Callers.At(There, "ann"), "a"))).Setting);
        Assert.Equal("Limits:SubscribersPerAddress", (await Assert.ThrowsAsync<LimitException>(() => SubscribeAsync(fixture, Callers.At(Here), "a"))).Setting);

        // One that the whole refuses has taken nothing of its shares.
        for (var i = 0; i < 3; i++) Assert.Equal("Limits:Subscribers", (await Assert.ThrowsAsync<LimitException>(() => SubscribeAsync(fixture, Callers.At(There, "bob"), "a"))).Setting);
    }

    [Fact]
    public async Task Channels_that_one_user_opens_are_bounded_until_their_last_subscriber_has_left()
    {
        using var fixture = NewFixture(new LimitOptions { ChannelsPerUser = 2 });
        using var a = await SubscribeAsync(fixture, Callers.At(Here, "ann"), "a");
        var b = await SubscribeAsync(fixture, Callers.At(There, "ann"), "b");
        var refusal = await Assert.ThrowsAsync<LimitException>(() => SubscribeAsync(fixture, Callers.At(There, "ann"), "c"));
        Assert.Equal(("channel", "Limits:ChannelsPerUser"), (refusal.Parameter, refusal.Setting));

        using var other = await SubscribeAsync(fixture, Callers.At(Here, "bob"), "c");
        using var follows = await SubscribeAsync(fixture, Callers.At(Here, "ann"), "c");
        b.Dispose();
        using var again = await SubscribeAsync(fixture, Callers.At(Here, "ann"), "d");
        await Assert.ThrowsAsync<LimitException>(() => SubscribeAsync(fixture, Callers.At(There, "ann"), "e"));
    }

    [Fact]
    public async Task Channels_that_one_user_opens_are_bounded_by_their_own_setting_alone()
    {
        using var fixture = NewFixture(new LimitOptions { Channels = 4, SubscribersPerUser = 10 });
        using var a = await SubscribeAsync(fixture, Callers.At(Here, "ann"), "a");
        using var b = await SubscribeAsync(fixture, Callers.At(Here, "ann"), "b");
        Assert.Equal("Limits:ChannelsPerAddress", (await Assert.ThrowsAsync<LimitException>(() => SubscribeAsync(fixture, Callers.At(Here, "ann"), "c"))).Setting);
        using var c = await SubscribeAsync(fixture, Callers.At(There, "ann"), "c");
        using var d = await SubscribeAsync(fixture, Callers.At(There, "ann"), "d");
    }

    [Fact]
    public async Task Channel_that_one_share_refuses_to_open_takes_nothing_of_the_other()
    {
        using var fixture = NewFixture(new LimitOptions { ChannelsPerUser = 2, ChannelsPerAddress = 1 });
        using var a = await SubscribeAsync(fixture, Callers.At(Here), "a");

        // One that is not open, and one that is but has no subscriber.
        (await SubscribeAsync(fixture, Callers.At(There), "idle")).Dispose();
        foreach (var name in (string[])["new", "idle", "new", "idle", "idle"])
            Assert.Equal("Limits:ChannelsPerAddress", (await Assert.ThrowsAsync<LimitException>(() => SubscribeAsync(fixture, Callers.At(Here, "ann"), name))).Setting);
        using var b = await SubscribeAsync(fixture, Callers.At(There, "ann"), "b");
        using var c = await SubscribeAsync(fixture, Callers.At("192.0.2.3", "ann"), "c");
    }

    [Fact]
    public async Task Channels_that_one_user_makes_are_bounded_and_come_back_as_their_messages_age()
    {
        using var fixture = NewFixture(new LimitOptions { ChannelsPerUser = 3 });
        var ann = Callers.At(Here, "ann");
        for (var i = 0; i < 3; i++) await PublishAsync(fixture, Callers.At($"192.0.2.{i}", "ann"), $"{i}");
        foreach (var caller in (CallerContext[])[ann, Callers.At(There, "ann")])
        {
            var refusal = await Assert.ThrowsAsync<LimitException>(() => PublishAsync(fixture, caller, "new"));
            Assert.Equal(("channel", "Limits:ChannelsPerUser", false), (refusal.Parameter, refusal.Setting, refusal.IsGlobal));
            Assert.Equal(fixture.Options.History.MaxAge / 3, refusal.RetryAfter);
        }

        await PublishAsync(fixture, ann, "0");
        await PublishAsync(fixture, Callers.At(Here, "bob"), "new");
        await PublishAsync(fixture, Callers.At(Here), "newer");
        fixture.Time.Advance(fixture.Options.History.MaxAge / 3);
        await PublishAsync(fixture, ann, "later");
        await Assert.ThrowsAsync<LimitException>(() => PublishAsync(fixture, ann, "and later"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Tickets_of_a_minute_are_bounded(bool isOfUser)
    {
        var setting = isOfUser ? nameof(LimitOptions.TicketsPerMinutePerUser) : nameof(LimitOptions.TicketsPerMinutePerAddress);
        using var fixture = NewFixture(isOfUser ? new LimitOptions { TicketsPerMinutePerUser = 3, TicketsPerMinutePerAddress = 100 } : new LimitOptions { TicketsPerMinutePerUser = 100, TicketsPerMinutePerAddress = 3 });
        var quotas = fixture.Hub.Context.Quotas;
        for (var i = 0; i < 3; i++) quotas.TakeTicket(Callers.At(Here, "ann"));
        var refusal = Assert.Throws<LimitException>(() => quotas.TakeTicket(Callers.At(Here, "ann")));
        Assert.Equal(("channels", $"Limits:{setting}", false, TimeSpan.FromSeconds(20)), (refusal.Parameter, refusal.Setting, refusal.IsGlobal, refusal.RetryAfter));
        Assert.Equal(isOfUser, Record.Exception(() => quotas.TakeTicket(Callers.At(There, "ann"))) is LimitException);
        Assert.Equal(!isOfUser, Record.Exception(() => quotas.TakeTicket(Callers.At(Here, "bob"))) is LimitException);
        quotas.TakeTicket(Callers.At(There, "bob"));
        fixture.Time.Advance(refusal.RetryAfter);
        quotas.TakeTicket(Callers.At(Here, "ann"));
        Assert.Throws<LimitException>(() => quotas.TakeTicket(Callers.At(Here, "ann")));
    }

    [Fact]
    public void Ticket_that_the_address_refuses_takes_nothing_of_the_user()
    {
        using var fixture = NewFixture(new LimitOptions { TicketsPerMinutePerUser = 2, TicketsPerMinutePerAddress = 1 });
        var quotas = fixture.Hub.Context.Quotas;
        quotas.TakeTicket(Callers.At(Here, "ann"));
        for (var i = 0; i < 5; i++) Assert.Throws<LimitException>(() => quotas.TakeTicket(Callers.At(Here, "ann")));
        quotas.TakeTicket(Callers.At(There, "ann"));
    }

    private static async Task<CComet.Subscriptions.Subscriber> SubscribeAsync(HubFixture fixture, CallerContext caller, params string[] names) =>
        await fixture.Operations.SubscribeAsync(caller, [.. names.Select(n => new ChannelStart(n, Cursor.None))], null);

    private static async Task PublishAsync(HubFixture fixture, CallerContext caller, string name) => await fixture.Operations.PublishAsync(caller, [HubFixture.NewMessage(name, "m")]);

    private static HubFixture NewFixture(LimitOptions limits)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        return new HubFixture(new HubOptions { Limits = limits }, new RoomyStore(time), time);
    }
}
