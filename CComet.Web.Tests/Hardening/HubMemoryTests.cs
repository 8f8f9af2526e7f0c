using CComet.Access;
using CComet.Limits;
using CComet.Messages;
using CComet.Subscriptions;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Hardening;

/// <summary>The attack: to have the server read more into memory than it has, by reading many histories, or by answers that are taken slowly.</summary>
public sealed class HubMemoryTests
{
    private const long MiB = 1 << 20;

    [Fact]
    public async Task Reading_many_channels_once_holds_no_more_than_the_bound()
    {
        const int Channels = 2_000;
        using var fixture = NewFixture(2 * MiB);
        var memory = fixture.Hub.Context.Memory;
        for (var i = 0; i < Channels; i++) await StoreAsync(fixture, $"{i}", count: 1, length: 8_000);
        long most = 0;
        for (var i = 0; i < Channels; i++)
        {
            using var subscriber = await fixture.SubscribeAsync($"{i}", new Cursor(null, 0));
            Assert.Single((await subscriber.ReadAsync(park: false)).SelectMany(r => r.Batch.Messages));
            most = Math.Max(most, memory.Tails);

            // The tails are trimmed on a thread of the pool, which a busy machine may run late: what is opened meanwhile holds nothing.
            await Eventually.TrueAsync(() => !memory.IsFull, "Trimming of the tails");
        }

        // The last history to find room, and its encoding, may be over.
        Assert.InRange(most, 8_000, MiB + 20_000);
        Assert.Equal(0, memory.Reads);
        Assert.InRange(fixture.Hub.ChannelCount, 1, Channels / 2);
        Assert.Empty(fixture.Hub.Context.Limits.Met);
    }

    [Fact]
    public async Task Tails_of_followed_channels_shrink_to_the_bound_and_their_subscribers_miss_nothing()
    {
        const int Channels = 64;
        const int Rounds = 4;
        using var fixture = NewFixture(2 * MiB);
        var memory = fixture.Hub.Context.Memory;
        var subscribers = new List<Subscriber>();
        for (var i = 0; i < Channels; i++)
        {
            subscribers.Add(await fixture.SubscribeAsync($"{i}"));
            Assert.Empty(await subscribers[^1].ReadAsync(park: true));
        }

        long most = 0;
        for (var round = 0; round < Rounds; round++)
        {
            for (var i = 0; i < Channels; i++)
            {
                await fixture.PublishAsync($"{i}", $"{round} {new string('x', 20_000)}");
                most = Math.Max(most, memory.Tails);
            }
        }

        // One quarter more at most, however late the trimming comes.
        Assert.InRange(most, MiB / 2, MiB + (MiB / 4) + 30_000);
        await Eventually.TrueAsync(() => memory.Tails <= memory.MaxTails, "Trimming of the tails");
        foreach (var subscriber in subscribers)
        {
            var texts = new List<string>();
            while (texts.Count < Rounds) texts.AddRange(HubFixture.Texts(await subscriber.ReadAsync(park: true)));
            Assert.Equal(Enumerable.Range(0, Rounds).Select(r => $"{r}"), texts.Select(t => t.Split(' ')[0]));
        }

        subscribers.ForEach(s => s.Dispose());
        fixture.Time.Advance(TimeSpan.FromHours(1));
        await fixture.Hub.SweepAsync();
        Assert.Equal((0, 0, 0), (memory.Tails, memory.Reads, fixture.Hub.ChannelCount));
    }

    [Fact]
    public async Task Answers_that_are_not_taken_make_the_next_ones_short_and_lose_nothing()
    {
        const int Readers = 40;
        const int Messages = 64;
        using var fixture = NewFixture(2 * MiB, channelMemory: 4_096);
        var memory = fixture.Hub.Context.Memory;
        for (var i = 0; i < Readers; i++) await StoreAsync(fixture, $"{i}", Messages, length: 4_000);
        var readers = new List<Subscriber>();
        long given = 0;
        for (var i = 0; i < Readers; i++)
        {
            readers.Add(await fixture.SubscribeAsync($"{i}", new Cursor(null, 0)));
            var read = await readers[^1].ReadAsync(park: false);
            Assert.Equal("0", HubFixture.Texts(read)[0].Split(' ')[0]);
            given += read.Sum(r => r.Batch.Bytes);

            // All but what a tail has kept, which is a message at most.
            Assert.InRange(memory.Reads, given - ((i + 1) * 5_000), given);
        }

        // All that the histories have is ten times as much; each is given one step in any case.
        Assert.InRange(given, MiB / 2, MiB + (Readers * (ReadSizes.MaxStepBytes + 5_000)));

        foreach (var reader in readers[1..]) reader.Dispose();
        var last = new List<string>();
        while (readers[0].Cursors.Single().Cursor.Seqid < Messages) last.AddRange(HubFixture.Texts(await readers[0].ReadAsync(park: false, 50_000)));
        readers[0].Dispose();
        Assert.Equal(0, memory.Reads);
    }

    [Fact]
    public async Task Sign_with_a_long_history_is_refused_before_it_stores_anything_while_a_short_one_goes_on()
    {
        using var fixture = NewFixture(MiB);
        await StoreAsync(fixture, "long", count: 10, length: 30_000);
        await StoreAsync(fixture, "short", count: 1, length: 1_000);
        var first = await fixture.Operations.SignAsync(CallerContext.Local, "long", "a");
        Assert.Equal(11, first.History.Count);
        var refusal = await Assert.ThrowsAsync<LimitException>(async () => await fixture.Operations.SignAsync(CallerContext.Local, "long", "b"));
        Assert.Equal(("channel", "Limits:MemoryBytes"), (refusal.Parameter, refusal.Setting));
        Assert.Equal(11, (await fixture.Store.ReadAsync("long", 0, 1)).Head.End);
        using (var signIn = await fixture.Operations.SignAsync(CallerContext.Local, "short", "c")) Assert.Equal(2, signIn.History.Count);

        first.Dispose();
        using (var signIn = await fixture.Operations.SignAsync(CallerContext.Local, "long", "b")) Assert.Equal(Enumerable.Range(0, 12), signIn.History.Select(m => (int)m.Seqid));
        Assert.Equal(0, fixture.Hub.Context.Memory.Reads);
    }

    [Fact]
    public async Task Answered_sign_holds_no_memory()
    {
        await using var factory = new CCometFactory();
        using var http = factory.CreateClient();
        for (var i = 0; i < 10; i++) await http.AskAsync("/pub?channel=c", Asking.Body(new string('x', 60_000), "text/plain"));
        Assert.Equal(11, (await http.AskAsync("/sign?channel=c")).Elements.Length);
        await Eventually.TrueAsync(() => factory.Hub.Context.Memory.Reads == 0, "Freeing of what was answered");
    }

    [Fact]
    public void Default_is_a_part_of_the_memory_that_the_process_may_use()
    {
        using var fixture = new HubFixture();
        var available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        Assert.InRange(fixture.Hub.Context.Memory.MaxTails, available / 17, available / 15);
        Assert.InRange(fixture.Hub.Context.Bodies.Max, available / 17, available / 15);
    }

    private static HubFixture NewFixture(long memory, int channelMemory = 1 << 20)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        var options = new HubOptions { Limits = new LimitOptions { MemoryBytes = memory, ChannelMemoryBytes = channelMemory } };
        return new HubFixture(options, new RoomyStore(time), time);
    }

    /// <summary>Stores messages that no channel of the hub holds.</summary>
    private static async Task StoreAsync(HubFixture fixture, string channel, int count, int length)
    {
        for (var i = 0; i < count; i++) await fixture.Store.AppendAsync([HubFixture.NewMessage(channel, $"{i} {new string('x', length)}")]);
    }
}
