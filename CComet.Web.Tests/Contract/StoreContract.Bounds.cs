using CComet.Messages;
using CComet.Storage;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Contract;

/// <summary>What a store holds to when it is full, and what it leaves behind.</summary>
public abstract partial class StoreContract
{
    /// <summary>Whether the store bounds what all its channels take together.</summary>
    protected virtual bool BoundsTotals => true;

    /// <summary>How many things the store holds for channels, wherever they are.</summary>
    protected abstract long Left(IMessageStore store);

    [Fact]
    public async Task Reading_and_following_names_that_were_never_written_to_leaves_nothing_behind()
    {
        var store = Open(new HubOptions());
        var epochs = new Dictionary<string, string>();
        for (var i = 0; i < 50; i++)
        {
            var name = $"fresh{i}";
            epochs[name] = (await store.ReadAsync(name, 0, 1)).Head.Epoch;
            Assert.Equal(0, Left(store));
            var listener = new Recorder(store, name);
            await store.FollowAsync(name, listener);
            Assert.Equal(new LogHead(epochs[name], 0, 0), listener.Head);
            store.Unfollow(name, listener);
        }

        Assert.Equal(0, Left(store));
        foreach (var (name, epoch) in epochs)
        {
            Assert.Equal(epoch, (await store.ReadAsync(name, 0, 1)).Head.Epoch);
            var receipt = (await store.AppendAsync([HubFixture.NewMessage(name, "0")]))[0];
            Assert.Equal((epoch, 0L), (receipt.Epoch, receipt.Seqid));
        }
    }

    [Fact]
    public async Task Full_store_refuses_a_new_name_by_the_setting_and_takes_it_once_another_is_empty()
    {
        if (!BoundsChannels) return;
        var store = Open(new HubOptions { History = new HistoryOptions { MaxAge = TimeSpan.FromMinutes(1) }, Limits = new LimitOptions { Channels = 2 } });
        var a = (await store.AppendAsync([HubFixture.NewMessage("a", "0")]))[0];
        Time.Advance(TimeSpan.FromSeconds(30));
        var b = (await store.AppendAsync([HubFixture.NewMessage("b", "0")]))[0];
        var e = await Assert.ThrowsAsync<LimitException>(async () => await store.AppendAsync([HubFixture.NewMessage("c", "0")]));
        Assert.Equal(("channel", "Limits:Channels"), (e.Parameter, e.Setting));

        // No sweep has come, and nobody is idle yet: the one that is empty goes all the same.
        Time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(0, (await store.AppendAsync([HubFixture.NewMessage("c", "0")]))[0].Seqid);
        Assert.Equal(new LogHead(b.Epoch, 0, 1), (await store.ReadAsync("b", 0, 1)).Head);

        // It was somebody's: its numbers must not come again under the same epoch.
        var left = (await store.ReadAsync("a", 0, 1)).Head;
        Assert.NotEqual(a.Epoch, left.Epoch);
        Time.Advance(TimeSpan.FromMinutes(2));
        var again = (await store.AppendAsync([HubFixture.NewMessage("a", "1")]))[0];
        Assert.Equal(0, again.Seqid);
        Assert.NotEqual(a.Epoch, again.Epoch);
    }

    [Fact]
    public async Task Full_store_keeps_those_that_are_followed_or_remember_ids_and_forgets_the_one_unused_for_longest()
    {
        if (!BoundsChannels) return;
        var store = Open(new HubOptions { History = new HistoryOptions { MaxAge = TimeSpan.FromMinutes(1) }, Limits = new LimitOptions { Channels = 4 } });
        await store.AppendAsync([HubFixture.NewMessage("followed", "0")]);
        var listener = new Recorder(store, "followed");
        await store.FollowAsync("followed", listener);
        foreach (var (name, id) in new[] { ("id", "x"), ("old", null), ("young", null) })
        {
            Time.Advance(TimeSpan.FromSeconds(1));
            await store.AppendAsync([HubFixture.NewMessage(name, "0", id)]);
        }

        Time.Advance(TimeSpan.FromMinutes(2));
        await store.AppendAsync([HubFixture.NewMessage("new", "0")]);
        Assert.Equal(0, (await store.ReadAsync("old", 0, 1)).Head.End);
        foreach (var name in (string[])["followed", "id", "young"]) Assert.Equal(1, (await store.ReadAsync(name, 0, 1)).Head.End);
        Assert.True((await store.AppendAsync([HubFixture.NewMessage("id", "again", "x")]))[0].Duplicate);
        await store.AppendAsync([HubFixture.NewMessage("followed", "1")]);
        Assert.Equal([1L], listener.Seqids);
    }

    [Fact]
    public async Task Refused_append_leaves_nothing_behind()
    {
        if (!BoundsChannels) return;
        var store = Open(new HubOptions { Limits = new LimitOptions { Channels = 1 } });
        await store.AppendAsync([HubFixture.NewMessage("c", "0")]);
        var before = Left(store);
        for (var i = 0; i < 200; i++) await Assert.ThrowsAsync<LimitException>(async () => await store.AppendAsync([HubFixture.NewMessage($"fresh{i}", "0"), HubFixture.NewMessage("c", "1")]));
        Assert.Equal(before, Left(store));
        Assert.Equal(1, (await store.AppendAsync([HubFixture.NewMessage("c", "1")]))[0].Seqid);
    }

    [Fact]
    public async Task Name_refused_for_its_ids_leaves_nothing_behind()
    {
        var store = Open(new HubOptions { Limits = new LimitOptions { IdsPerChannel = 1 } });
        await store.AppendAsync([HubFixture.NewMessage("c", "0")]);
        var before = Left(store);
        for (var i = 0; i < 20; i++)
        {
            NewMessage[] twoIds = [HubFixture.NewMessage($"one{i}", "0", "a"), HubFixture.NewMessage($"one{i}", "1", "b")];
            await Assert.ThrowsAsync<LimitException>(async () => await store.AppendAsync(twoIds));
            await Assert.ThrowsAsync<LimitException>(async () => await store.AppendAsync([.. twoIds, HubFixture.NewMessage("c", "1")]));
        }

        Assert.Equal(before, Left(store));
    }

    /// <summary>A client that fills the store must not take the history of channels that hold less, nor keep other clients from publishing.</summary>
    [Fact]
    public async Task Store_over_its_bytes_takes_the_oldest_from_the_channel_that_holds_most()
    {
        if (!BoundsTotals) return;
        var store = Open(new HubOptions { History = new HistoryOptions { TotalBytes = 300_000 } });
        for (var i = 0; i < 20; i++) await store.AppendAsync([HubFixture.NewMessage("small", $"{i}")]);
        for (var i = 0; i < 100; i++) await store.AppendAsync([HubFixture.NewMessage("large", new string('x', 5_000))]);
        var large = (await store.ReadAsync("large", 0, long.MaxValue)).Head;
        Assert.InRange(large.First, 40, 60);
        Assert.Equal(100, large.End);

        // New names and small channels find room, at the cost of the large one.
        for (var i = 0; i < 10; i++) await store.AppendAsync([HubFixture.NewMessage($"new{i}", new string('y', 5_000))]);
        for (var i = 20; i < 40; i++) await store.AppendAsync([HubFixture.NewMessage("small", $"{i}")]);
        Assert.InRange((await store.ReadAsync("large", 0, long.MaxValue)).Head.First, large.First + 8, large.First + 15);
        Assert.Equal(Enumerable.Range(0, 40).Select(i => $"{i}"), Texts(await store.ReadAsync("small", 0, long.MaxValue)));
        for (var i = 0; i < 10; i++) Assert.Single((await store.ReadAsync($"new{i}", 0, 1)).Messages);
    }

    [Fact]
    public async Task Store_over_its_bytes_refuses_a_message_as_large_as_all_others_and_keeps_what_they_have()
    {
        if (!BoundsTotals) return;
        var store = Open(new HubOptions { History = new HistoryOptions { TotalBytes = 300_000 } });
        await store.AppendAsync([HubFixture.NewMessage("small", "0")]);
        var stored = new List<string>();
        LimitException? refused = null;
        for (var i = 0; i < 100 && refused is null; i++)
        {
            try
            {
                await store.AppendAsync([HubFixture.NewMessage($"fresh{i}", new string('x', 20_000), $"id{i}")]);
                stored.Add($"fresh{i}");
            }
            catch (LimitException e)
            {
                refused = e;
            }
        }

        Assert.InRange(stored.Count, 10, 15);
        Assert.Equal(("channel", "History:TotalBytes"), (refused!.Parameter, refused.Setting));
        foreach (var name in stored) Assert.Single((await store.ReadAsync(name, 0, 1)).Messages);

        // Those that are there go on, each in its own room; others do as long as they are smaller.
        foreach (var name in stored) Assert.Equal(1, (await store.AppendAsync([HubFixture.NewMessage(name, new string('y', 20_000))]))[0].Seqid);
        for (var i = 0; i < 20; i++) await store.AppendAsync([HubFixture.NewMessage("small", $"{i}")]);
        Assert.Equal(21, (await store.ReadAsync("small", 0, long.MaxValue)).Messages.Length);
    }

    [Fact]
    public async Task Id_too_many_in_a_channel_is_refused_until_its_oldest_is_forgotten()
    {
        var store = Open(new HubOptions { Limits = new LimitOptions { IdsPerChannel = 2 } });
        await store.AppendAsync([HubFixture.NewMessage("c", "0", "a")]);
        Time.Advance(TimeSpan.FromMinutes(2));
        await store.AppendAsync([HubFixture.NewMessage("c", "1", "b")]);
        Time.Advance(TimeSpan.FromMinutes(1));
        var e = await Assert.ThrowsAsync<LimitException>(async () => await store.AppendAsync([HubFixture.NewMessage("c", "2", "c")]));
        Assert.Equal(("id", "Limits:IdsPerChannel", 120d), (e.Parameter, e.Setting, Math.Round(e.RetryAfter.TotalSeconds)));
        Time.Advance(e.RetryAfter);
        Assert.Equal(2, (await store.AppendAsync([HubFixture.NewMessage("c", "2", "c")]))[0].Seqid);
    }

    /// <summary>One who fills channel after channel with ids must leave some for the next one.</summary>
    [Fact]
    public async Task Channel_may_take_as_many_ids_as_are_free_so_that_none_takes_them_all()
    {
        if (!BoundsTotals) return;
        var store = Open(new HubOptions { Limits = new LimitOptions { Ids = 64 } });
        var taken = new List<int>();
        for (var channel = 0; channel < 5; channel++)
        {
            taken.Add(0);
            try
            {
                for (; taken[channel] < 100; taken[channel]++) await store.AppendAsync([HubFixture.NewMessage($"c{channel}", "x", $"id{taken[channel]}")]);
            }
            catch (LimitException e)
            {
                Assert.Equal(("id", "Limits:Ids"), (e.Parameter, e.Setting));
            }
        }

        Assert.Equal([32, 16, 8, 4, 2], taken);
        Assert.Equal(32, (await store.AppendAsync([HubFixture.NewMessage("c0", "no id")]))[0].Seqid);
        Assert.True((await store.AppendAsync([HubFixture.NewMessage("c0", "again", "id0")]))[0].Duplicate);
        Time.Advance(TimeSpan.FromMinutes(5.1));
        Assert.False((await store.AppendAsync([HubFixture.NewMessage("c4", "x", "id0")]))[0].Duplicate);
        for (var i = 1; i < 32; i++) await store.AppendAsync([HubFixture.NewMessage("c4", "x", $"id{i}")]);
    }

    [Theory]
    [InlineData(30)]
    [InlineData(-30)]
    public async Task Wall_clock_that_jumps_loses_no_message_repeats_none_and_keeps_the_numbers(int hours)
    {
        var time = new JumpingTime();
        var store = Open(new HubOptions { History = new HistoryOptions { MaxAge = TimeSpan.FromDays(3) } }, time);
        var first = (await store.AppendAsync([HubFixture.NewMessage("c", "0", "x")]))[0];
        time.Advance(TimeSpan.FromMinutes(1));
        time.Jump(TimeSpan.FromHours(hours));
        if (RemembersIdsByOwnClock || hours < 0) Assert.True((await store.AppendAsync([HubFixture.NewMessage("c", "again", "x")]))[0].Duplicate);
        await store.SweepAsync();
        var second = (await store.AppendAsync([HubFixture.NewMessage("c", "1", "y")]))[0];
        Assert.Equal((first.Epoch, 1L), (second.Epoch, second.Seqid));
        time.Jump(TimeSpan.FromHours(-hours));
        await store.SweepAsync();
        Assert.Equal(["0", "1"], Texts(await store.ReadAsync("c", 0, long.MaxValue)));
        time.Advance(TimeSpan.FromMinutes(4.5));
        if (RemembersIdsByOwnClock) Assert.False((await store.AppendAsync([HubFixture.NewMessage("c", "2", "x")]))[0].Duplicate);
    }

    /// <summary>Whether ids are forgotten by the clock of one process, and not by what the clocks of several say.</summary>
    protected virtual bool RemembersIdsByOwnClock => true;
}
