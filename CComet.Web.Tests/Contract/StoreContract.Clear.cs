using System.Collections.Concurrent;
using System.Globalization;
using CComet.Messages;
using CComet.Storage;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Contract;

/// <summary>What clearing a log does, and what it leaves alone.</summary>
public abstract partial class StoreContract
{
    [Fact]
    public async Task Clear_begins_a_new_epoch_whose_seqids_begin_at_0()
    {
        var store = Open(new HubOptions { History = new HistoryOptions { MaxMessages = 3 } });
        for (var i = 0; i < 5; i++) await store.AppendAsync([HubFixture.NewMessage("c", $"{i}")]);
        await store.SweepAsync();
        var before = (await store.ReadAsync("c", 0, 1)).Head;
        Assert.Equal((2, 5), (before.First, before.End));
        Assert.Equal(before, await Clearing(store).ClearAsync("c"));

        var after = await store.ReadAsync("c", 0, long.MaxValue);
        Assert.Empty(after.Messages);
        Assert.Equal((0, 0), (after.Head.First, after.Head.End));
        Assert.NotEqual(before.Epoch, after.Head.Epoch);
        var receipts = await store.AppendAsync([HubFixture.NewMessage("c", "a"), HubFixture.NewMessage("c", "b")]);
        Assert.Equal([(after.Head.Epoch, 0L), (after.Head.Epoch, 1L)], receipts.Select(r => (r.Epoch, r.Seqid)));
        Assert.Equal(["a", "b"], Texts(await store.ReadAsync("c", 0, long.MaxValue)));
        Assert.Equal(after.Head with { End = 2 }, await Clearing(store).ClearAsync("c"));
    }

    [Fact]
    public async Task Clear_of_a_log_whose_messages_are_over_their_time_begins_a_new_epoch_too()
    {
        var store = Open(new HubOptions { History = new HistoryOptions { MaxAge = TimeSpan.FromMinutes(1) } });
        var epoch = (await store.AppendAsync([HubFixture.NewMessage("c", "0")]))[0].Epoch;
        Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(new LogHead(epoch, 1, 1), await Clearing(store).ClearAsync("c"));
        Assert.NotEqual(epoch, (await store.AppendAsync([HubFixture.NewMessage("c", "1")]))[0].Epoch);
    }

    [Fact]
    public async Task Clear_of_an_unknown_channel_gives_null_and_leaves_nothing_behind()
    {
        var store = Open(new HubOptions());
        var epoch = (await store.ReadAsync("fresh", 0, 1)).Head.Epoch;
        Assert.Null(await Clearing(store).ClearAsync("fresh"));
        Assert.Equal(0, Left(store));
        Assert.Equal(epoch, (await store.ReadAsync("fresh", 0, 1)).Head.Epoch);
        Assert.Equal(epoch, (await store.AppendAsync([HubFixture.NewMessage("fresh", "0")]))[0].Epoch);
    }

    [Fact]
    public async Task Clear_of_a_log_that_is_followed_or_cleared_but_empty_gives_null_and_keeps_its_epoch()
    {
        var store = Open(new HubOptions());
        var listener = new EpochReader(store, "c");
        await store.FollowAsync("c", listener);
        Assert.Null(await Clearing(store).ClearAsync("c"));
        Assert.Equal(listener.Opening, (await store.ReadAsync("c", 0, 1)).Head);
        await store.AppendAsync([HubFixture.NewMessage("c", "0")]);
        Assert.NotNull(await Clearing(store).ClearAsync("c"));
        var cleared = (await store.ReadAsync("c", 0, 1)).Head;
        Assert.Null(await Clearing(store).ClearAsync("c"));
        Assert.Equal(cleared, (await store.ReadAsync("c", 0, 1)).Head);
        Assert.NotEqual(listener.Opening.Epoch, cleared.Epoch);
    }

    [Fact]
    public async Task Clear_leaves_other_channels_alone()
    {
        var store = Open(new HubOptions());
        await store.AppendAsync([HubFixture.NewMessage("c", "0"), HubFixture.NewMessage("other", "0", "id")]);
        var fresh = (await store.ReadAsync("fresh", 0, 1)).Head;
        var listener = new EpochReader(store, "other");
        await store.FollowAsync("other", listener);
        var other = (await store.ReadAsync("other", 0, 1)).Head;
        await Clearing(store).ClearAsync("c");
        Assert.Equal(other, (await store.ReadAsync("other", 0, 1)).Head);
        Assert.Equal(fresh, (await store.ReadAsync("fresh", 0, 1)).Head);
        Assert.True((await store.AppendAsync([HubFixture.NewMessage("other", "again", "id")]))[0].Duplicate);
        await store.AppendAsync([HubFixture.NewMessage("other", "1")]);
        await listener.ReadAsync(other.Epoch, 2);
        Assert.Equal([other.Epoch], listener.Epochs);
    }

    [Fact]
    public async Task Clear_is_told_to_the_followers_of_the_log()
    {
        var store = Open(new HubOptions());
        await store.AppendAsync([HubFixture.NewMessage("c", "0")]);
        var listener = new EpochReader(store, "c");
        await store.FollowAsync("c", listener);
        await Clearing(store).ClearAsync("c");
        var head = (await store.ReadAsync("c", 0, 1)).Head;
        await listener.ReadAsync(head.Epoch, 0);
        await store.AppendAsync([HubFixture.NewMessage("c", "a"), HubFixture.NewMessage("c", "b")]);
        await listener.ReadAsync(head.Epoch, 2);
        Assert.Equal(["a", "b"], listener.Texts);
        store.Unfollow("c", listener);
    }

    [Fact]
    public async Task Clear_forgets_the_ids_of_the_channel()
    {
        var store = Open(new HubOptions { Limits = new LimitOptions { IdsPerChannel = 2, Ids = 8 } });
        var epochs = new HashSet<string>();
        for (var round = 0; round < 10; round++)
        {
            var receipts = await store.AppendAsync([HubFixture.NewMessage("c", "0", "x"), HubFixture.NewMessage("c", "1", "y")]);
            Assert.Equal([(0L, false), (1L, false)], receipts.Select(r => (r.Seqid, r.Duplicate)));
            Assert.True(epochs.Add(receipts[0].Epoch));
            Assert.True((await store.AppendAsync([HubFixture.NewMessage("c", "again", "x")]))[0].Duplicate);
            await Assert.ThrowsAsync<LimitException>(async () => await store.AppendAsync([HubFixture.NewMessage("c", "2", "z")]));
            Assert.Equal(2, (await Clearing(store).ClearAsync("c"))!.Value.End);
        }

        // What was over its time when the log was cleared is over it once, and those that came since are not.
        await store.AppendAsync([HubFixture.NewMessage("c", "0", "x")]);
        Time.Advance(TimeSpan.FromMinutes(4.9));
        await store.SweepAsync();
        Assert.True((await store.AppendAsync([HubFixture.NewMessage("c", "again", "x")]))[0].Duplicate);
        Time.Advance(TimeSpan.FromMinutes(0.2));
        Assert.False((await store.AppendAsync([HubFixture.NewMessage("c", "1", "x")]))[0].Duplicate);
    }

    [Fact]
    public async Task Clear_gives_back_the_bytes_of_the_messages()
    {
        if (!BoundsTotals) return;
        var store = Open(new HubOptions { History = new HistoryOptions { TotalBytes = 300_000 } });
        for (var i = 0; i < 10; i++) await store.AppendAsync([HubFixture.NewMessage("kept", new string('x', 10_000))]);
        for (var round = 0; round < 5; round++)
        {
            for (var i = 0; i < 15; i++) await store.AppendAsync([HubFixture.NewMessage($"c{round}", new string('y', 10_000))]);
            foreach (var (name, count) in new[] { ("kept", 10), ($"c{round}", 15) }) Assert.Equal(new LogHead("", 0, count), (await store.ReadAsync(name, 0, 1)).Head with { Epoch = "" });
            await Clearing(store).ClearAsync($"c{round}");
        }

        // Nor is more given back than there was.
        for (var i = 0; i < 25; i++) await store.AppendAsync([HubFixture.NewMessage("large", new string('z', 10_000))]);
        Assert.InRange((await store.ReadAsync("large", 0, 1)).Head.First, 5, 12);
        Assert.Equal(0, (await store.ReadAsync("kept", 0, 1)).Head.First);
    }

    [Fact]
    public async Task Cleared_channel_gives_its_place_to_another_and_comes_back_under_a_third_epoch()
    {
        if (!BoundsChannels) return;
        var store = Open(new HubOptions { Limits = new LimitOptions { Channels = 1 } });
        var first = (await store.AppendAsync([HubFixture.NewMessage("a", "0", "id")]))[0].Epoch;
        await Clearing(store).ClearAsync("a");
        var second = (await store.ReadAsync("a", 0, 1)).Head.Epoch;
        await store.AppendAsync([HubFixture.NewMessage("b", "0")]);
        await Clearing(store).ClearAsync("b");
        var third = (await store.AppendAsync([HubFixture.NewMessage("a", "0")]))[0];
        Assert.Equal(0, third.Seqid);
        Assert.Equal(3, new[] { first, second, third.Epoch }.Distinct().Count());
    }

    /// <summary>
    /// Publishers of one and of two channels, with and without ids, beside clears of one of them. Every append is wholly before a clear, which
    /// tells that it has dropped it, or wholly after.
    /// </summary>
    [Fact]
    public async Task Appends_that_race_with_clears_are_dropped_whole_or_stored_under_the_new_epoch()
    {
        var seed = Environment.GetEnvironmentVariable("CCOMET_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next();
        try
        {
            await RaceAsync(seed);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Seed {seed} (replay with CCOMET_SEED={seed})", e);
        }
    }

    private static IClearingStore Clearing(IMessageStore store) => Assert.IsAssignableFrom<IClearingStore>(store);

    private async Task RaceAsync(int seed)
    {
        const int Publishers = 4, Publishes = 150;
        var store = Open(new HubOptions { History = new HistoryOptions { MaxMessages = 100_000, MaxBytes = 1 << 28 } });
        var listener = new EpochReader(store, "c");
        await store.FollowAsync("c", listener);
        var appended = new ConcurrentBag<(string Text, string? Id, Receipt Receipt)>();
        var cleared = new ConcurrentBag<LogHead>();
        var publishing = Enumerable.Range(0, Publishers).Select(p => Task.Run(async () =>
        {
            var random = new Random(seed + p);
            for (var i = 0; i < Publishes; i++)
            {
                NewMessage[] messages = [.. Enumerable.Range(0, random.Next(1, 5)).Select(m => HubFixture.NewMessage(random.Next(3) == 0 ? "d" : "c", $"{p}.{i}.{m}", random.Next(4) == 0 ? $"id{random.Next(6)}" : null))];
                var receipts = await store.AppendAsync(messages);
                for (var m = 0; m < messages.Length; m++)
                {
                    Assert.Equal(messages[m].Channel, receipts[m].Channel);
                    if (messages[m].Channel == "c") appended.Add(($"{p}.{i}.{m}", messages[m].Id, receipts[m]));
                }

                Assert.InRange(receipts.Where(r => r.Channel == "c").Select(r => r.Epoch).Distinct().Count(), 0, 1);
                var stored = receipts.Where(r => r.Channel == "c" && !r.Duplicate).Select(r => r.Seqid).ToArray();
                Assert.Equal(stored, Enumerable.Range(0, stored.Length).Select(n => stored[0] + n));
                if (random.Next(3) == 0) await Task.Yield();
            }
        })).ToArray();
        var clearing = Enumerable.Range(0, 2).Select(c => Task.Run(async () =>
        {
            var random = new Random(seed - 1 - c);
            while (!publishing.All(p => p.IsCompleted))
            {
                if (await Clearing(store).ClearAsync("c") is { } head) cleared.Add(head);
                for (var reads = random.Next(4); reads > 0; reads--) await store.ReadAsync("c", 0, 100);
                await Task.Yield();
            }
        })).ToArray();
        await Task.WhenAll([.. publishing, .. clearing]);

        var last = await store.ReadAsync("c", 0, long.MaxValue);
        var ends = cleared.Append(last.Head).ToDictionary(h => h.Epoch, h => h.End);
        var stored = appended.Where(a => !a.Receipt.Duplicate).GroupBy(a => a.Receipt.Epoch).ToDictionary(e => e.Key, e => e.OrderBy(a => a.Receipt.Seqid).ToArray());
        foreach (var (epoch, messages) in stored)
        {
            Assert.Equal(Enumerable.Range(0, (int)ends[epoch]).Select(n => (long)n), messages.Select(m => m.Receipt.Seqid));
        }

        Assert.All(cleared, head => Assert.Equal((0L, true), (head.First, stored.ContainsKey(head.Epoch))));
        Assert.Equal(stored.GetValueOrDefault(last.Head.Epoch)?.Select(m => m.Text) ?? [], Texts(last));
        foreach (var (_, id, receipt) in appended.Where(a => a.Receipt.Duplicate)) Assert.Equal(id, stored[receipt.Epoch][receipt.Seqid].Id);
        Assert.All(stored.Values, messages => Assert.Distinct(messages.Where(m => m.Id is not null).Select(m => m.Id)));

        await listener.ReadAsync(last.Head.Epoch, last.Head.End);
        Assert.Equal(Texts(last), listener.Texts);
        Assert.Distinct(listener.Epochs);
        Assert.Equal((await Clearing(store).ClearAsync("c"))?.End ?? 0, last.Head.End);
        Assert.Empty((await store.ReadAsync("c", 0, long.MaxValue)).Messages);
    }

    /// <summary>Reads a log as the hub does, and begins anew with each epoch.</summary>
    private sealed class EpochReader(IMessageStore store, string channel) : ILogListener
    {
        private readonly Lock _lock = new();
        private readonly List<string> _epochs = [];
        private readonly List<string> _texts = [];
        private readonly List<(string Epoch, long End, TaskCompletionSource Done)> _wanted = [];
        private Task _reading = Task.CompletedTask;
        private long _next;

        public LogHead Opening { get; private set; }

        /// <summary>The epochs that it has seen, in their order.</summary>
        public string[] Epochs
        {
            get
            {
                lock (_lock) return [.. _epochs];
            }
        }

        /// <summary>The messages of the last epoch that it has heard of.</summary>
        public string[] Texts
        {
            get
            {
                lock (_lock) return [.. _texts];
            }
        }

        /// <summary>Waits until it has come so far.</summary>
        public Task ReadAsync(string epoch, long end)
        {
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            lock (_lock)
            {
                _wanted.Add((epoch, end, done));
                Tell();
            }

            return done.Task.WaitAsync(Patience.Limit);
        }

        public void Opened(LogHead head)
        {
            Opening = head;
            lock (_lock) Begin(head.Epoch, head.End);
        }

        public void Appended(string epoch, IReadOnlyList<Message> messages, DeferredDeliveries? deferred = null)
        {
            lock (_lock)
            {
                if (epoch == _epochs[^1] && messages[0].Seqid <= _next) Take(messages);
                else Changed();
            }
        }

        public void Changed()
        {
            lock (_lock) _reading = ReadOnAsync(_reading);
        }

        private async Task ReadOnAsync(Task before)
        {
            await before;
            await Task.Yield();
            long next;
            lock (_lock) next = _next;
            var slice = await store.ReadAsync(channel, next, long.MaxValue);
            lock (_lock)
            {
                if (slice.Head.Epoch != _epochs[^1]) Begin(slice.Head.Epoch, 0);
                else Take(slice.Messages);
                if (_next < slice.Head.End) Changed();
                Tell();
            }
        }

        private void Begin(string epoch, long next)
        {
            _epochs.Add(epoch);
            _texts.Clear();
            _next = next;
        }

        private void Take(IReadOnlyList<Message> messages)
        {
            foreach (var message in messages.Where(m => m.Seqid >= _next))
            {
                Assert.Equal(_next++, message.Seqid);
                _texts.AddRange(StoreContract.Texts(new LogSlice(default, [message])));
            }

            Tell();
        }

        private void Tell()
        {
            foreach (var (_, _, done) in _wanted.Where(w => w.Epoch == _epochs[^1] && w.End == _next)) done.TrySetResult();
        }
    }
}
