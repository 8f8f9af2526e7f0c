using CComet.Storage;
using CComet.Web.Tests.Contract;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Storage;

public sealed class MemoryStoreTests : StoreContract
{
    [Fact]
    public async Task Log_is_forgotten_only_when_that_loses_nothing()
    {
        var options = new HubOptions { History = new HistoryOptions { MaxAge = TimeSpan.FromHours(1) } };
        var store = HubFixture.NewStore(options, Time);
        await store.AppendAsync([HubFixture.NewMessage("kept", "a")]);
        Time.Advance(options.Limits.IdleChannel + TimeSpan.FromSeconds(1));
        await store.SweepAsync();
        Assert.Equal(1, store.LogCount);
        Assert.Single((await store.ReadAsync("kept", 0, 1)).Messages);
        Time.Advance(TimeSpan.FromHours(2));
        await store.SweepAsync();
        Assert.Equal(0, store.LogCount);
    }

    /// <summary>
    /// The epoch of a name without a log and the log that takes it are looked up, made and dropped by threads that overtake each other. No
    /// number may be given twice under one epoch, or a subscriber would take a message for one that it has.
    /// </summary>
    [Fact]
    public async Task Appends_that_race_with_the_dropping_of_their_log_never_get_a_number_twice_under_one_epoch()
    {
        var options = new HubOptions { History = new HistoryOptions { MaxAge = TimeSpan.FromMilliseconds(1) }, Limits = new LimitOptions { Channels = 4, IdleChannel = TimeSpan.FromSeconds(1) } };
        var time = new JumpingTime();
        var store = HubFixture.NewStore(options, time);
        var given = new System.Collections.Concurrent.ConcurrentBag<(string Channel, string Epoch, long Seqid)>();
        var epochs = new System.Collections.Concurrent.ConcurrentDictionary<string, bool>();
        var appending = Enumerable.Range(0, 4).Select(w => Task.Run(async () =>
        {
            // On until some logs were dropped, however the threads are scheduled.
            for (var i = 0; i < 5_000 || (epochs.Count < 10 && i < 5_000_000); i++)
            {
                var channel = $"c{(i + w) % 3}";
                var before = (await store.ReadAsync(channel, 0, 1)).Head;
                var receipt = (await store.AppendAsync([HubFixture.NewMessage(channel, "x")]))[0];
                given.Add((channel, receipt.Epoch, receipt.Seqid));
                epochs.TryAdd(receipt.Epoch, true);

                // What was told before the append must not lie beyond it.
                if (before.Epoch == receipt.Epoch) Assert.True(before.End <= receipt.Seqid, $"{channel}: {receipt.Seqid} was given when the log had ended at {before.End}.");
            }
        })).ToArray();
        while (!appending.All(a => a.IsCompleted))
        {
            time.Advance(TimeSpan.FromSeconds(2));
            await store.SweepAsync();
        }

        await Task.WhenAll(appending);
        Assert.True(epochs.Count >= 10, "Logs were dropped meanwhile.");
        Assert.Equal(given.Count, given.Distinct().Count());
    }

    [Fact]
    public async Task Eviction_passes_over_logs_that_are_used_again_and_finds_the_next()
    {
        var options = new HubOptions { History = new HistoryOptions { MaxAge = TimeSpan.FromMinutes(1) }, Limits = new LimitOptions { Channels = 3 } };
        var store = HubFixture.NewStore(options, Time);
        foreach (var name in (string[])["a", "b", "c"]) await store.AppendAsync([HubFixture.NewMessage(name, "0")]);
        Time.Advance(TimeSpan.FromMinutes(2));
        await store.SweepAsync();
        await store.AppendAsync([HubFixture.NewMessage("a", "1")]);
        await store.FollowAsync("b", new Recorder(store, "b"));
        Assert.Equal(0, (await store.AppendAsync([HubFixture.NewMessage("d", "0")]))[0].Seqid);
        Assert.Equal(1, (await store.ReadAsync("b", 0, 1)).Head.End);
        Assert.Equal(2, (await store.ReadAsync("a", 0, 1)).Head.End);
        Assert.Equal(0, (await store.ReadAsync("c", 0, 1)).Head.End);
    }

    [Fact]
    public async Task Wall_clock_that_is_put_forward_ages_no_message()
    {
        var time = new JumpingTime();
        var store = HubFixture.NewStore(new HubOptions { History = new HistoryOptions { MaxAge = TimeSpan.FromHours(1) } }, time);
        await store.AppendAsync([HubFixture.NewMessage("c", "0")]);
        time.Jump(TimeSpan.FromDays(400));
        await store.AppendAsync([HubFixture.NewMessage("c", "1")]);
        time.Jump(TimeSpan.FromDays(-800));
        await store.AppendAsync([HubFixture.NewMessage("c", "2")]);
        await store.SweepAsync();
        Assert.Equal(["0", "1", "2"], Texts(await store.ReadAsync("c", 0, long.MaxValue)));
        time.Advance(TimeSpan.FromMinutes(61));
        Assert.Empty((await store.ReadAsync("c", 0, long.MaxValue)).Messages);
    }

    [Fact]
    public async Task Counted_bytes_and_ids_are_given_back_when_their_time_is_over()
    {
        var options = new HubOptions { History = new HistoryOptions { MaxAge = TimeSpan.FromMinutes(10) } };
        var store = HubFixture.NewStore(options, Time);
        for (var i = 0; i < 500; i++) await store.AppendAsync([HubFixture.NewMessage($"c{i % 50}", new string('x', 100), $"id{i}")]);
        Assert.Equal(500, store.IdCount);
        Assert.True(store.HeldBytes > 500 * 100, $"{store.HeldBytes} bytes are counted.");
        Time.Advance(TimeSpan.FromMinutes(5));
        await store.SweepAsync();
        Assert.Equal(0, store.IdCount);
        Time.Advance(TimeSpan.FromMinutes(6));
        await store.SweepAsync();
        Time.Advance(TimeSpan.FromMinutes(6));
        await store.SweepAsync();
        Assert.Equal((0, 0L), (store.LogCount, store.HeldBytes));
    }

    [Fact]
    public async Task Clear_gives_back_all_that_is_counted_of_messages_and_ids_and_the_log_once_it_is_idle()
    {
        var options = new HubOptions();
        var store = HubFixture.NewStore(options, Time);
        for (var i = 0; i < 100; i++) await store.AppendAsync([HubFixture.NewMessage("c", new string('x', 1_000), $"id{i}")]);
        await store.ClearAsync("c");
        Assert.Equal(0, store.IdCount);
        Assert.InRange(store.HeldBytes, 1, 1_000);
        Time.Advance(options.Limits.IdleChannel + TimeSpan.FromMinutes(5));
        await store.SweepAsync();
        Time.Advance(options.Limits.IdleChannel);
        await store.SweepAsync();
        Assert.Equal((0, 0L), (store.LogCount, store.HeldBytes));
    }

    /// <summary>The same as for logs that are dropped alone: an epoch that a clear has ended must not come back with the next log of the name.</summary>
    [Fact]
    public async Task Appends_that_race_with_clears_and_the_dropping_of_their_log_never_get_a_number_twice_under_one_epoch()
    {
        var options = new HubOptions { Limits = new LimitOptions { Channels = 4, IdleChannel = TimeSpan.FromSeconds(1) } };
        var time = new JumpingTime();
        var store = HubFixture.NewStore(options, time);
        var given = new System.Collections.Concurrent.ConcurrentBag<(string Channel, string Epoch, long Seqid)>();
        var appending = Enumerable.Range(0, 3).Select(w => Task.Run(async () =>
        {
            for (var i = 0; i < 5_000; i++)
            {
                var receipts = await store.AppendAsync([HubFixture.NewMessage($"c{(i + w) % 3}", "x"), HubFixture.NewMessage($"c{i % 2}", "y")]);
                foreach (var receipt in receipts) given.Add((receipt.Channel, receipt.Epoch, receipt.Seqid));
            }
        })).ToArray();
        while (!appending.All(a => a.IsCompleted))
        {
            for (var i = 0; i < 3; i++) await store.ClearAsync($"c{i}");
            time.Advance(TimeSpan.FromMinutes(6));
            await store.SweepAsync();
        }

        await Task.WhenAll(appending);
        Assert.Equal(30_000, given.Count);
        Assert.Equal(given.Count, given.Distinct().Count());
    }

    protected override IMessageStore Open(HubOptions options, TimeProvider? time = null) => HubFixture.NewStore(options, time ?? Time);

    protected override long Left(IMessageStore store) => ((MemoryStore)store).LogCount;
}
