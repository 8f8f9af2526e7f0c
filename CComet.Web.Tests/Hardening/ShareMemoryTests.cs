using CComet.Diagnostics;
using CComet.Limits;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Hardening;

/// <summary>The attack: a client with many addresses or names has the server count each of them, until the counting takes all memory.</summary>
public sealed class ShareMemoryTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(50));

    [Fact]
    public async Task Addresses_users_and_channels_that_take_nothing_are_forgotten()
    {
        var store = new RoomyStore(_time);
        using var fixture = new HubFixture(new HubOptions { Limits = new LimitOptions { PublishesPerSecondPerAddress = 10, PublishesPerSecondPerUser = 10, PublishesPerSecondPerChannel = 10 } }, store, _time);
        var quotas = fixture.Hub.Context.Quotas;
        for (var i = 0; i < 1_000; i++) await fixture.Operations.PublishAsync(Callers.At($"192.0.{i / 250}.{i % 250}", $"u{i}"), [HubFixture.NewMessage($"c{i}", "m")]);
        await fixture.Hub.SweepAsync();
        Assert.Equal((1_000, 1_000), (quotas.Addresses.Count, quotas.Users.Count));
        _time.Advance(TimeSpan.FromSeconds(10));
        await fixture.Hub.SweepAsync();
        Assert.Equal((0, 0), (quotas.Addresses.Count, quotas.Users.Count));
    }

    [Fact]
    public void Share_that_holds_something_is_kept_and_one_that_holds_nothing_is_not()
    {
        var shares = NewShares(100);
        var held = Enum.GetValues<Held>().Select(what => (What: what, Share: shares.TryHold((int)what, what, 2, 10)!)).ToList();
        shares.Sweep();
        Assert.Equal(held.Count, shares.Count);
        foreach (var (what, share) in held) share.Release(what, 1);
        shares.Sweep();
        Assert.Equal(held.Count, shares.Count);
        foreach (var (what, share) in held) share.Release(what, 1);
        shares.Sweep();
        Assert.Equal(0, shares.Count);
    }

    [Fact]
    public void Shares_over_the_bound_are_one_in_common_and_those_that_are_known_keep_their_own()
    {
        var shares = NewShares(10);
        var known = Enumerable.Range(0, 10).Select(i => shares.TryHold(i, Held.Subscriptions, 1, 2)!).ToList();
        Assert.NotNull(shares.TryHold(10, Held.Subscriptions, 1, 2));
        Assert.NotNull(shares.TryHold(11, Held.Subscriptions, 1, 2));
        for (var i = 12; i < 1_000; i++) Assert.Null(shares.TryHold(i, Held.Subscriptions, 1, 2));
        Assert.Equal(10, shares.Count);
        for (var i = 0; i < 10; i++) Assert.Same(known[i], shares.TryHold(i, Held.Subscriptions, 1, 2));

        // Room is made without the sweep of every few seconds, once a second.
        for (var i = 0; i < 5; i++) known[i].Release(Held.Subscriptions, 2);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.NotNull(shares.TryHold(12, Held.Subscriptions, 2, 2));
        Assert.Equal(6, shares.Count);
    }

    [Fact]
    public void Flood_of_names_leaves_no_more_than_the_bound()
    {
        var shares = NewShares(100);
        var one = default(Metered);
        one[Meter.Publishes] = 1;
        for (var i = 0; i < 100_000; i++)
        {
            if (i % 1_000 == 0) _time.Advance(TimeSpan.FromSeconds(1));
            Record.Exception(() => shares.Take(i, one));
            Assert.InRange(shares.Count, 1, 100);
        }

        _time.Advance(TimeSpan.FromSeconds(10));
        shares.Sweep();
        Assert.Equal(0, shares.Count);
    }

    [Fact]
    public async Task Sweep_beside_clients_that_come_and_go_loses_no_count()
    {
        var shares = NewShares(1_000);
        using var isOver = new CancellationTokenSource();
        var sweeping = Task.Run(() =>
        {
            while (!isOver.IsCancellationRequested) shares.Sweep();
        });
        await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            // Never refused: what each holds is given back to the very share that it is held of.
            for (var i = 0; i < 200_000; i++) shares.TryHold(i % 3, Held.Connections, 1, 2)!.Release(Held.Connections, 1);
        })));
        await isOver.CancelAsync();
        await sweeping;
        shares.Sweep();
        Assert.Equal(0, shares.Count);
    }

    [Fact]
    public void Share_takes_eighty_bytes()
    {
        _ = new Share();
        var before = GC.GetAllocatedBytesForCurrentThread();
        var share = new Share();
        Assert.Equal(80, GC.GetAllocatedBytesForCurrentThread() - before);
        GC.KeepAlive(share);
    }

    private Shares<int> NewShares(int max)
    {
        var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var monitor = new LimitMonitor(new HubMetrics(services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>()), _time, new LogLines<LimitMonitor>());
        var bounds = new ShareBounds("user", "", monitor, _time) { Subscriptions = 2, SubscriptionsSetting = "S", OpenChannels = 2, MadeChannels = 2, ChannelsSetting = "C" };
        bounds.Bound(Meter.Publishes, "P", 1, TimeSpan.FromSeconds(1), "channel", "has published");
        return new Shares<int>(bounds, max, _time);
    }
}
