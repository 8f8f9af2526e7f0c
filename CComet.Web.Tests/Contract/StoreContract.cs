using System.Text.Json;
using CComet.Messages;
using CComet.Storage;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Contract;

/// <summary>What every store must hold to.</summary>
public abstract partial class StoreContract
{
    protected FakeTimeProvider Time { get; } = new(DateTimeOffset.UnixEpoch.AddYears(50));

    [Fact]
    public async Task Numbers_begin_at_0_and_have_no_holes()
    {
        var store = Open(new HubOptions());
        var receipts = new List<Receipt>();
        for (var i = 0; i < 5; i++) receipts.AddRange(await store.AppendAsync([HubFixture.NewMessage("c", $"{i}")]));
        Assert.Equal([0, 1, 2, 3, 4], receipts.Select(r => (int)r.Seqid));
        Assert.Single(receipts.Select(r => r.Epoch).Distinct());
        Assert.Equal(["1", "2", "3", "4"], Texts(await store.ReadAsync("c", 1, long.MaxValue)));
    }

    [Fact]
    public async Task Message_carries_its_channel_name_number_and_time()
    {
        var store = Open(new HubOptions());
        await store.AppendAsync([new NewMessage("ü \"c\"", MessageType.Msg, "al\\ice", "{\"a\":[1]}"u8.ToArray())]);
        await store.AppendAsync([NewMessage.Sign("ü \"c\"", null)]);
        var slice = await store.ReadAsync("ü \"c\"", 0, long.MaxValue);
        Assert.Equal($$$"""{"type":"MSG","channel":"ü \"c\"","sname":"al\\ice","msg":{"a":[1]},"seqid":0,"time":{{{Time.GetUtcNow().ToUnixTimeMilliseconds()}}}}""", slice.Messages[0].ToString());
        Assert.Equal($$$"""{"type":"SIGN","channel":"ü \"c\"","msg":"SIGN","seqid":1,"time":{{{Time.GetUtcNow().ToUnixTimeMilliseconds()}}}}""", slice.Messages[1].ToString());
    }

    [Fact]
    public async Task Concurrent_appends_have_one_order_and_listeners_hear_it()
    {
        var store = Open(new HubOptions { History = new HistoryOptions { MaxMessages = 10_000, MaxBytes = 1 << 28 } });
        var listener = new Recorder(store, "c");
        await store.FollowAsync("c", listener);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(w => Task.Run(async () =>
        {
            for (var i = 0; i < 250; i++) await store.AppendAsync([HubFixture.NewMessage("c", $"{w}.{i}")]);
        })));
        await Eventually.TrueAsync(() => listener.Seqids.Length == 2_000, "Hearing of every message");
        Assert.Equal(Enumerable.Range(0, 2_000).Select(i => (long)i), listener.Seqids);
        var texts = Texts(await store.ReadAsync("c", 0, long.MaxValue));
        for (var w = 0; w < 8; w++) Assert.Equal(Enumerable.Range(0, 250).Select(i => $"{w}.{i}"), texts.Where(t => t.StartsWith($"{w}.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Id_is_stored_once_within_five_minutes_and_again_after()
    {
        var store = Open(new HubOptions());
        var first = (await store.AppendAsync([HubFixture.NewMessage("c", "a", "id1")]))[0];
        Time.Advance(TimeSpan.FromMinutes(4.9));
        var again = (await store.AppendAsync([HubFixture.NewMessage("c", "b", "id1")]))[0];
        Assert.Equal((first.Seqid, first.Epoch, true), (again.Seqid, again.Epoch, again.Duplicate));
        Assert.False((await store.AppendAsync([HubFixture.NewMessage("other", "b", "id1")]))[0].Duplicate);
        Time.Advance(TimeSpan.FromMinutes(0.2));
        Assert.False((await store.AppendAsync([HubFixture.NewMessage("c", "c", "id1")]))[0].Duplicate);
        Assert.Equal(["a", "c"], Texts(await store.ReadAsync("c", 0, long.MaxValue)));
    }

    [Fact]
    public async Task Batch_is_stored_together_in_its_order_with_a_receipt_each()
    {
        var store = Open(new HubOptions());
        var receipts = await store.AppendAsync([HubFixture.NewMessage("c", "0", "x"), HubFixture.NewMessage("c", "1"), HubFixture.NewMessage("c", "2", "x"), HubFixture.NewMessage("d", "3"), HubFixture.NewMessage("c", "4")]);
        Assert.Equal([("c", 0L, false), ("c", 1L, false), ("c", 0L, true), ("d", 0L, false), ("c", 2L, false)], receipts.Select(r => (r.Channel, r.Seqid, r.Duplicate)));
        Assert.Equal(["0", "1", "4"], Texts(await store.ReadAsync("c", 0, long.MaxValue)));
    }

    [Fact]
    public async Task Batch_with_an_id_too_many_stores_nothing()
    {
        var store = Open(new HubOptions { Limits = new LimitOptions { IdsPerChannel = 2 } });
        await store.AppendAsync([HubFixture.NewMessage("c", "0", "x")]);
        var ids = await Assert.ThrowsAsync<LimitException>(async () => await store.AppendAsync([HubFixture.NewMessage("c", "1", "y"), HubFixture.NewMessage("c", "2", "z")]));
        Assert.Equal("id", ids.Parameter);
        Assert.Equal(["0"], Texts(await store.ReadAsync("c", 0, long.MaxValue)));

        // An id that is known needs no room, and those that are over make some.
        Assert.True((await store.AppendAsync([HubFixture.NewMessage("c", "again", "x"), HubFixture.NewMessage("c", "1", "y"), HubFixture.NewMessage("c", "again", "y")]))[2].Duplicate);
        await Assert.ThrowsAsync<LimitException>(async () => await store.AppendAsync([HubFixture.NewMessage("c", "2", "z")]));
        Time.Advance(TimeSpan.FromMinutes(5.1));
        Assert.Equal([2L, 3L], (await store.AppendAsync([HubFixture.NewMessage("c", "2", "z"), HubFixture.NewMessage("c", "3", "x")])).Select(r => r.Seqid));
    }

    [Fact]
    public async Task Batch_with_a_channel_too_many_stores_nothing()
    {
        if (!BoundsChannels) return;
        var store = Open(new HubOptions { Limits = new LimitOptions { Channels = 2 } });
        await store.AppendAsync([HubFixture.NewMessage("c", "0")]);
        var channels = await Assert.ThrowsAsync<LimitException>(async () => await store.AppendAsync([HubFixture.NewMessage("c", "1"), HubFixture.NewMessage("d", "1"), HubFixture.NewMessage("e", "1")]));
        Assert.Equal("channel", channels.Parameter);
        Assert.Equal(["0"], Texts(await store.ReadAsync("c", 0, long.MaxValue)));
        Assert.Empty((await store.ReadAsync("d", 0, long.MaxValue)).Messages);
    }

    [Fact]
    public async Task Retention_by_bytes_keeps_the_newest_however_large_it_is()
    {
        var store = Open(new HubOptions { History = new HistoryOptions { MaxBytes = 300 } });
        for (var i = 0; i < 4; i++) await store.AppendAsync([HubFixture.NewMessage("c", new string((char)('a' + i), 60))]);
        var slice = await store.ReadAsync("c", 0, long.MaxValue);
        Assert.Equal((2, 4, 2), (slice.Head.First, slice.Head.End, slice.Messages.Length));
        await store.AppendAsync([HubFixture.NewMessage("c", new string('z', 1_000))]);
        Assert.Equal(4, Assert.Single((await store.ReadAsync("c", 0, long.MaxValue)).Messages).Seqid);
        await store.AppendAsync([HubFixture.NewMessage("c", "small")]);
        Assert.Equal(["small"], Texts(await store.ReadAsync("c", 0, long.MaxValue)));
    }

    [Fact]
    public async Task Reading_ends_where_its_bytes_do_and_the_next_one_goes_on()
    {
        var store = Open(new HubOptions());
        for (var i = 0; i < 300; i++) await store.AppendAsync([HubFixture.NewMessage("c", $"{i}")]);
        var texts = new List<string>();
        for (var readings = 0; texts.Count < 300; readings++)
        {
            Assert.True(readings <= 300);
            var slice = await store.ReadAsync("c", texts.Count, 700);
            Assert.InRange(slice.Messages.Sum(m => m.Record.Length), 1, 700);
            texts.AddRange(Texts(slice));
        }

        Assert.Equal(Enumerable.Range(0, 300).Select(i => $"{i}"), texts);
        Assert.Equal("7", Assert.Single(Texts(await store.ReadAsync("c", 7, 1))));
        Assert.Empty((await store.ReadAsync("c", 300, long.MaxValue)).Messages);
        Assert.Empty((await store.ReadAsync("c", 400, long.MaxValue)).Messages);
    }

    [Fact]
    public async Task Channel_that_was_only_asked_for_keeps_its_epoch_when_it_is_published_to()
    {
        var store = Open(new HubOptions());
        var head = (await store.ReadAsync("c", 0, 1)).Head;
        Assert.Equal((0, 0), (head.First, head.End));
        Assert.Equal(head.Epoch, (await store.ReadAsync("c", 0, 1)).Head.Epoch);
        Assert.Equal(head.Epoch, (await store.AppendAsync([HubFixture.NewMessage("c", "0")]))[0].Epoch);
    }

    [Theory]
    [InlineData("}")]
    [InlineData("{")]
    [InlineData("{}a")]
    [InlineData("a b:c/d?e=f&g")]
    [InlineData("'; DROP TABLE messages; --")]
    [InlineData("😀 ä")]
    public async Task Names_of_any_kind_are_told_apart(string name)
    {
        var store = Open(new HubOptions());
        await store.AppendAsync([HubFixture.NewMessage(name, "this", "id"), HubFixture.NewMessage(name + name, "other", "id")]);
        Assert.Equal(["this"], Texts(await store.ReadAsync(name, 0, long.MaxValue)));
        Assert.Equal(["other"], Texts(await store.ReadAsync(name + name, 0, long.MaxValue)));
    }

    [Fact]
    public async Task Retention_keeps_the_newest_and_the_numbers_go_on()
    {
        var store = Open(new HubOptions { History = new HistoryOptions { MaxMessages = 3, MaxAge = TimeSpan.FromMinutes(1) } });
        for (var i = 0; i < 10; i++) await store.AppendAsync([HubFixture.NewMessage("c", $"{i}")]);
        await store.SweepAsync();
        var slice = await store.ReadAsync("c", 0, long.MaxValue);
        Assert.Equal((7, 10), (slice.Head.First, slice.Head.End));
        Assert.Equal(["7", "8", "9"], Texts(slice));
        Time.Advance(TimeSpan.FromMinutes(2));
        await store.SweepAsync();
        Assert.Empty((await store.ReadAsync("c", 0, long.MaxValue)).Messages);
        Assert.Equal(10, (await store.AppendAsync([HubFixture.NewMessage("c", "10")]))[0].Seqid);
    }

    [Fact]
    public async Task Listener_hears_of_nothing_before_it_came_and_nothing_after_it_left()
    {
        var store = Open(new HubOptions());
        await store.AppendAsync([HubFixture.NewMessage("c", "0")]);
        var listener = new Recorder(store, "c");
        await store.FollowAsync("c", listener);
        Assert.Equal(1, listener.Head!.Value.End);
        await store.AppendAsync([HubFixture.NewMessage("c", "1")]);
        await Eventually.TrueAsync(() => listener.Seqids.Length == 1, "Hearing of the message");
        store.Unfollow("c", listener);
        await store.AppendAsync([HubFixture.NewMessage("c", "2")]);
        Assert.Equal([1L], listener.Seqids);
    }

    /// <summary>Whether the store itself counts its channels.</summary>
    protected virtual bool BoundsChannels => true;

    protected abstract IMessageStore Open(HubOptions options, TimeProvider? time = null);

    protected static List<string> Texts(LogSlice slice) => [.. slice.Messages.Select(m => JsonDocument.Parse(m.Record).RootElement.GetProperty("msg").GetString()!)];

    /// <summary>Writes down what it hears of; a hint makes it read on from where it is.</summary>
    protected sealed class Recorder(IMessageStore store, string channel) : ILogListener
    {
        private readonly List<long> _seqids = [];
        private Task _reading = Task.CompletedTask;

        public LogHead? Head { get; private set; }

        public long[] Seqids
        {
            get
            {
                lock (_seqids) return [.. _seqids];
            }
        }

        public void Opened(LogHead head) => Head = head;

        public void Appended(string epoch, IReadOnlyList<Message> messages, DeferredDeliveries? deferred = null)
        {
            lock (_seqids) _seqids.AddRange(messages.Select(m => m.Seqid));
        }

        public void Changed()
        {
            lock (_seqids) _reading = ReadOnAsync(_reading);
        }

        private async Task ReadOnAsync(Task before)
        {
            await before;
            await Task.Yield();
            var next = Seqids is [.., var last] ? last + 1 : Head!.Value.End;
            var slice = await store.ReadAsync(channel, next, long.MaxValue);
            Appended(slice.Head.Epoch, slice.Messages);
        }
    }
}
