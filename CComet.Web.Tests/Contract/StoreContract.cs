using System.Text.Json;
using CComet.Web.Hub;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Contract;

/// <summary>What every store must hold to.</summary>
public abstract class StoreContract
{
    protected FakeTimeProvider Time { get; } = new(DateTimeOffset.UnixEpoch.AddYears(50));

    [Fact]
    public async Task Numbers_begin_at_0_and_have_no_holes()
    {
        var store = Open(new HubOptions());
        var receipts = new List<Receipt>();
        for (var i = 0; i < 5; i++) receipts.AddRange(await store.AppendAsync([HubFixture.Draft("c", $"{i}")]));
        Assert.Equal([0, 1, 2, 3, 4], receipts.Select(r => (int)r.Seqid));
        Assert.Single(receipts.Select(r => r.Epoch).Distinct());
        Assert.Equal(["1", "2", "3", "4"], Texts(await store.ReadAsync("c", 1, long.MaxValue)));
    }

    [Fact]
    public async Task A_message_carries_its_channel_name_number_and_time()
    {
        var store = Open(new HubOptions());
        await store.AppendAsync([new Draft("ü \"c\"", MessageType.Msg, "al\\ice", "{\"a\":[1]}"u8.ToArray())]);
        await store.AppendAsync([Draft.Sign("ü \"c\"", null)]);
        var slice = await store.ReadAsync("ü \"c\"", 0, long.MaxValue);
        Assert.Equal($$$"""{"type":"MSG","channel":"ü \"c\"","sname":"al\\ice","msg":{"a":[1]},"seqid":0,"time":{{{Time.GetUtcNow().ToUnixTimeMilliseconds()}}}}""", slice.Messages[0].ToString());
        Assert.Equal($$$"""{"type":"SIGN","channel":"ü \"c\"","msg":"SIGN","seqid":1,"time":{{{Time.GetUtcNow().ToUnixTimeMilliseconds()}}}}""", slice.Messages[1].ToString());
    }

    [Fact]
    public async Task Concurrent_appends_have_one_order_and_listeners_hear_it()
    {
        var store = Open(new HubOptions { History = new HistoryOptions { MaxMessages = 10_000, MaxBytes = 1 << 28 } });
        var listener = new Recorder();
        await store.FollowAsync("c", listener);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(w => Task.Run(async () =>
        {
            for (var i = 0; i < 250; i++) await store.AppendAsync([HubFixture.Draft("c", $"{w}.{i}")]);
        })));
        await Eventually.TrueAsync(() => listener.Seqids.Length == 2_000, "Hearing of every message");
        Assert.Equal(Enumerable.Range(0, 2_000).Select(i => (long)i), listener.Seqids);
        var texts = Texts(await store.ReadAsync("c", 0, long.MaxValue));
        for (var w = 0; w < 8; w++) Assert.Equal(Enumerable.Range(0, 250).Select(i => $"{w}.{i}"), texts.Where(t => t.StartsWith($"{w}.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_id_is_stored_once_within_five_minutes_and_again_after()
    {
        var store = Open(new HubOptions());
        var first = (await store.AppendAsync([HubFixture.Draft("c", "a", "id1")]))[0];
        Time.Advance(TimeSpan.FromMinutes(4.9));
        var again = (await store.AppendAsync([HubFixture.Draft("c", "b", "id1")]))[0];
        Assert.Equal((first.Seqid, first.Epoch, true), (again.Seqid, again.Epoch, again.Duplicate));
        Assert.False((await store.AppendAsync([HubFixture.Draft("other", "b", "id1")]))[0].Duplicate);
        Time.Advance(TimeSpan.FromMinutes(0.2));
        Assert.False((await store.AppendAsync([HubFixture.Draft("c", "c", "id1")]))[0].Duplicate);
        Assert.Equal(["a", "c"], Texts(await store.ReadAsync("c", 0, long.MaxValue)));
    }

    [Fact]
    public async Task A_batch_is_stored_together_in_its_order_with_a_receipt_each()
    {
        var store = Open(new HubOptions());
        var receipts = await store.AppendAsync([HubFixture.Draft("c", "0", "x"), HubFixture.Draft("c", "1"), HubFixture.Draft("c", "2", "x"), HubFixture.Draft("d", "3"), HubFixture.Draft("c", "4")]);
        Assert.Equal([("c", 0L, false), ("c", 1L, false), ("c", 0L, true), ("d", 0L, false), ("c", 2L, false)], receipts.Select(r => (r.Channel, r.Seqid, r.Duplicate)));
        Assert.Equal(["0", "1", "4"], Texts(await store.ReadAsync("c", 0, long.MaxValue)));
    }

    [Fact]
    public async Task A_batch_over_a_limit_stores_nothing()
    {
        var store = Open(new HubOptions { Limits = new LimitOptions { IdsPerChannel = 2, Channels = 2 } });
        await store.AppendAsync([HubFixture.Draft("c", "0", "x")]);
        var ids = await Assert.ThrowsAsync<LimitException>(async () => await store.AppendAsync([HubFixture.Draft("c", "1", "y"), HubFixture.Draft("c", "2", "z")]));
        Assert.Equal("id", ids.Parameter);
        var channels = await Assert.ThrowsAsync<LimitException>(async () => await store.AppendAsync([HubFixture.Draft("c", "1"), HubFixture.Draft("d", "1"), HubFixture.Draft("e", "1")]));
        Assert.Equal("channel", channels.Parameter);
        Assert.Equal(["0"], Texts(await store.ReadAsync("c", 0, long.MaxValue)));
        Assert.Empty((await store.ReadAsync("d", 0, long.MaxValue)).Messages);
    }

    [Fact]
    public async Task Retention_keeps_the_newest_and_the_numbers_go_on()
    {
        var store = Open(new HubOptions { History = new HistoryOptions { MaxMessages = 3, MaxAge = TimeSpan.FromMinutes(1) } });
        for (var i = 0; i < 10; i++) await store.AppendAsync([HubFixture.Draft("c", $"{i}")]);
        await store.SweepAsync();
        var slice = await store.ReadAsync("c", 0, long.MaxValue);
        Assert.Equal((7, 10), (slice.Head.First, slice.Head.End));
        Assert.Equal(["7", "8", "9"], Texts(slice));
        Time.Advance(TimeSpan.FromMinutes(2));
        await store.SweepAsync();
        Assert.Empty((await store.ReadAsync("c", 0, long.MaxValue)).Messages);
        Assert.Equal(10, (await store.AppendAsync([HubFixture.Draft("c", "10")]))[0].Seqid);
    }

    [Fact]
    public async Task A_listener_hears_of_nothing_before_it_came_and_nothing_after_it_left()
    {
        var store = Open(new HubOptions());
        await store.AppendAsync([HubFixture.Draft("c", "0")]);
        var listener = new Recorder();
        await store.FollowAsync("c", listener);
        Assert.Equal(1, listener.Head!.Value.End);
        await store.AppendAsync([HubFixture.Draft("c", "1")]);
        await Eventually.TrueAsync(() => listener.Seqids.Length == 1, "Hearing of the message");
        store.Unfollow("c", listener);
        await store.AppendAsync([HubFixture.Draft("c", "2")]);
        Assert.Equal([1L], listener.Seqids);
    }

    protected abstract IMessageStore Open(HubOptions options);

    protected static List<string> Texts(LogSlice slice) => [.. slice.Messages.Select(m => JsonDocument.Parse(m.Json).RootElement.GetProperty("msg").GetString()!)];

    protected sealed class Recorder : ILogListener
    {
        private readonly List<long> _seqids = [];

        public LogHead? Head { get; private set; }

        public long[] Seqids
        {
            get
            {
                lock (_seqids) return [.. _seqids];
            }
        }

        public void Opened(LogHead head) => Head = head;

        public void Appended(string epoch, IReadOnlyList<Message> messages)
        {
            lock (_seqids) _seqids.AddRange(messages.Select(m => m.Seqid));
        }

        public void Changed()
        {
        }
    }
}
