using CComet.Access;
using CComet.Messages;
using CComet.Operations;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Channels;

/// <summary>The promise at its root: whatever the threads do, a subscriber reads 0, 1, 2 … without hole or repeat.</summary>
public sealed class PromiseTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task No_append_falls_between_reading_and_waiting(int seed)
    {
        const int Channels = 3, PerChannel = 3_000;
        using var fixture = new HubFixture(new HubOptions { History = new HistoryOptions { MaxMessages = PerChannel, MaxBytes = 1 << 28 } });
        var names = Enumerable.Range(0, Channels).Select(i => $"c{i}").ToArray();
        var readers = Enumerable.Range(0, 16).Select(i => Task.Run(() => ReadAllAsync(fixture.Operations, names, PerChannel, new Random((seed * 1000) + i)))).ToArray();
        var writers = names.SelectMany(name => Enumerable.Range(0, 3).Select(w => Task.Run(() => WriteAsync(fixture.Operations, name, PerChannel / 3, new Random((seed * 77) + w))))).ToArray();
        await Task.WhenAll(writers);
        await Task.WhenAll(readers).WaitAsync(Patience.Limit);
        Assert.Equal(0, fixture.Hub.SubscriberCount);
    }

    /// <summary>
    /// In step: the next round is published only after every reader has the last, and no clock runs, so that one lost wake-up
    /// leaves one reader parked for ever. Several publishers append at once, so that a reader parks again while the next
    /// append is under way.
    /// </summary>
    [Fact]
    public async Task Every_append_wakes_the_subscribers_parked_for_it()
    {
        const int Rounds = 3_000, Publishers = 3, Readers = 3;
        using var fixture = new HubFixture();
        var progress = new long[Readers];
        using var over = new CancellationTokenSource(Patience.Limit);
        var readers = Enumerable.Range(0, Readers).Select(r => Task.Run(async () =>
        {
            using var subscriber = await fixture.SubscribeAsync("c", new Cursor(null, 0));
            for (var next = 0L; next < Rounds * Publishers;)
            {
                var readings = await subscriber.ReadAsync(park: true);
                foreach (var reading in readings) next = reading.Batch.End;
                Volatile.Write(ref progress[r], next);
                if (readings.Count == 0) await subscriber.WaitAsync(TimeSpan.FromHours(1)).AsTask().WaitAsync(over.Token);
            }
        })).ToArray();
        var writers = Enumerable.Range(0, Publishers).Select(_ => Task.Run(async () =>
        {
            for (var round = 0; round < Rounds; round++)
            {
                await fixture.PublishAsync("c", "m");
                while (progress.Any(p => p < (round + 1) * Publishers))
                {
                    over.Token.ThrowIfCancellationRequested();
                    await Task.Yield();
                }
            }
        })).ToArray();
        await Task.WhenAll([.. readers, .. writers]);
    }

    private static async Task WriteAsync(ChannelOperations operations, string channel, int count, Random random)
    {
        for (var i = 0; i < count;)
        {
            var burst = Math.Min(count - i, random.Next(1, 4));
            await operations.PublishAsync(CallerContext.Local, [.. Enumerable.Range(0, burst).Select(_ => HubFixture.NewMessage(channel, "m"))]);
            i += burst;
            if (random.Next(8) == 0) await Task.Yield();
        }
    }

    /// <summary>Follows a random choice of the channels, leaving and coming back with its cursor at random moments.</summary>
    private static async Task ReadAllAsync(ChannelOperations operations, string[] all, int perChannel, Random random)
    {
        var names = all.OrderBy(_ => random.Next()).Take(random.Next(1, all.Length + 1)).ToArray();
        var cursors = names.ToDictionary(n => n, _ => new Cursor(null, 0));
        while (cursors.Values.Any(c => c.Seqid < perChannel))
        {
            using var subscriber = await operations.SubscribeAsync(CallerContext.Local, [.. names.Select(n => new ChannelStart(n, cursors[n]))], null);
            for (var reads = random.Next(1, 20); reads > 0 && cursors.Values.Any(c => c.Seqid < perChannel); reads--)
            {
                var readings = await subscriber.ReadAsync(park: true);
                foreach (var reading in readings)
                {
                    Assert.Null(reading.Notice);
                    var name = names[reading.ChannelIndex];
                    foreach (var message in reading.Batch.Messages)
                    {
                        Assert.Equal(cursors[name].Seqid, message.Seqid);
                        cursors[name] = cursors[name] with { Seqid = message.Seqid + 1 };
                    }
                }

                if (readings.Count == 0 && random.Next(4) > 0) await subscriber.WaitAsync(TimeSpan.FromHours(1));
            }

            foreach (var (channel, cursor) in subscriber.Cursors) Assert.Equal(cursors[channel].Seqid, cursor.Seqid);
        }
    }
}
