using CComet.Storage;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Contract;

/// <summary>That one holder at a time has a reader, and that no other one saves its cursors.</summary>
public abstract partial class StoreContract
{
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(30);

    [Fact]
    public async Task Lease_is_renewed_by_its_holder_with_the_same_generation_and_refused_to_others()
    {
        var store = Cursors(Open(new HubOptions()));
        var first = await store.LeaseReaderAsync("r", "n1", Long);
        Assert.True(first >= 1, $"The first generation is {first}.");
        Assert.Equal(first, await store.LeaseReaderAsync("r", "n1", Long));
        Assert.Null(await store.LeaseReaderAsync("r", "n2", Long));
        Assert.Null(await store.LeaseReaderAsync("r", "N1", Long));
        Assert.Equal(first, await store.LeaseReaderAsync("r", "n1", Long));
        Assert.NotNull(await store.LeaseReaderAsync("R", "n2", Long));
    }

    [Fact]
    public async Task Lease_that_has_run_out_is_taken_out_by_another_with_a_higher_generation()
    {
        var store = Cursors(Open(new HubOptions()));
        var first = await TakeAsync(store, "r", "n1", Short);
        await RunOutAsync(store);
        var second = await TakeAsync(store, "r", "n2");
        Assert.True(second > first, $"{second} follows {first}.");
        Assert.Null(await store.LeaseReaderAsync("r", "n1", Long));
    }

    [Fact]
    public async Task Lease_of_its_own_that_has_run_out_is_taken_out_anew_with_a_higher_generation()
    {
        var store = Cursors(Open(new HubOptions()));
        var first = await TakeAsync(store, "r", "n1", Short);
        await RunOutAsync(store);
        var second = await TakeAsync(store, "r", "n1");
        Assert.True(second > first, $"{second} follows {first}.");
        Assert.Equal(second, await store.LeaseReaderAsync("r", "n1", TimeSpan.Zero));
        Assert.True(await store.LeaseReaderAsync("r", "n1", Long) > second, "A life of nothing ends a lease at once.");
    }

    [Fact]
    public async Task Lease_lasts_from_its_last_renewal_on()
    {
        var store = Cursors(Open(new HubOptions()));
        var first = await TakeAsync(store, "r", "n1", Short);
        Assert.Equal(first, await store.LeaseReaderAsync("r", "n1", Long));
        await RunOutAsync(store);
        Assert.Null(await store.LeaseReaderAsync("r", "n2", Long));
        Assert.Equal(first, await store.LeaseReaderAsync("r", "n1", Long));
    }

    [Fact]
    public async Task Lease_that_is_released_is_taken_out_at_once_and_only_its_holder_releases_it()
    {
        var store = Cursors(Open(new HubOptions()));
        await store.ReleaseReaderAsync("r", "n1");
        var first = await TakeAsync(store, "r", "n1");
        await store.ReleaseReaderAsync("r", "n2");
        await store.ReleaseReaderAsync("other", "n1");
        Assert.Null(await store.LeaseReaderAsync("r", "n2", Long));
        Assert.Equal(first, await store.LeaseReaderAsync("r", "n1", Long));

        await store.ReleaseReaderAsync("r", "n1");
        await store.ReleaseReaderAsync("r", "n1");
        var second = await TakeAsync(store, "r", "n2");
        Assert.True(second > first, $"{second} follows {first}.");
        await store.ReleaseReaderAsync("r", "n1");
        Assert.Equal(second, await store.LeaseReaderAsync("r", "n2", Long));
        await store.ReleaseReaderAsync("r", "n2");
        Assert.True(await TakeAsync(store, "r", "n2") > second, "The one that has released it takes it out anew.");
    }

    [Fact]
    public async Task Lease_that_is_asked_for_by_many_at_once_is_taken_out_by_one()
    {
        var store = Cursors(Open(new HubOptions()));
        for (var round = 0; round < 5; round++)
        {
            var asked = await Task.WhenAll(Enumerable.Range(0, 30).Select(n => Task.Run(async () => (Holder: $"n{n % 10}", Generation: await store.LeaseReaderAsync($"r{round}", $"n{n % 10}", Long)))));
            var taken = asked.Where(one => one.Generation is not null).Distinct().ToList();
            Assert.Single(taken);
            Assert.Equal(3, asked.Count(one => one == taken[0]));
        }
    }

    [Fact]
    public async Task Cursors_are_read_as_they_were_saved_last_and_removed_without_an_epoch()
    {
        var store = Cursors(Open(new HubOptions()));
        Assert.Empty(await store.ReadCursorsAsync("r"));
        var generation = await TakeAsync(store, "r", "n1");
        Assert.Empty(await store.ReadCursorsAsync("r"));
        Assert.True(await store.SaveCursorsAsync("r", generation, [new("a", "e1", 0), new("b", "e1", 5), new("c", "e1", 1L << 40)]));
        Assert.Equal(["a e1 0", "b e1 5", "c e1 1099511627776"], await SavedAsync(store, "r"));
        Assert.True(await store.SaveCursorsAsync("r", generation, [new("b", "e2", 0), new("c", null, 9), new("d", "e1", 7), new("unknown", null, 0)]));
        Assert.Equal(["a e1 0", "b e2 0", "d e1 7"], await SavedAsync(store, "r"));
        Assert.True(await store.SaveCursorsAsync("r", generation, []));
        Assert.True(await store.SaveCursorsAsync("r", generation, [new("a", null, 0), new("b", null, 0), new("d", null, 0)]));
        Assert.Empty(await store.ReadCursorsAsync("r"));
    }

    [Fact]
    public async Task Cursors_of_an_older_generation_are_refused_and_none_of_them_is_saved()
    {
        var store = Cursors(Open(new HubOptions()));
        Assert.False(await store.SaveCursorsAsync("r", 0, [new("a", "e", 1)]));
        Assert.False(await store.SaveCursorsAsync("r", 1, [new("a", "e", 1)]));
        var first = await TakeAsync(store, "r", "n1");
        Assert.True(await store.SaveCursorsAsync("r", first, [new("a", "e", 1), new("b", "e", 1)]));
        await store.ReleaseReaderAsync("r", "n1");
        var second = await TakeAsync(store, "r", "n2");
        Assert.False(await store.SaveCursorsAsync("r", first, [new("a", "e", 2), new("b", null, 0), new("c", "e", 2)]));
        Assert.False(await store.SaveCursorsAsync("r", first, []));
        Assert.False(await store.SaveCursorsAsync("r", second + 1, [new("a", "e", 2)]));
        Assert.Equal(["a e 1", "b e 1"], await SavedAsync(store, "r"));

        // What was refused to another has ended no lease.
        Assert.Equal(second, await store.LeaseReaderAsync("r", "n2", Long));
        Assert.True(await store.SaveCursorsAsync("r", second, [new("a", "e", 3)]));
        Assert.Equal(["a e 3", "b e 1"], await SavedAsync(store, "r"));
    }

    [Fact]
    public async Task Cursors_are_saved_by_a_lease_that_has_run_out_until_another_is_taken_out()
    {
        var store = Cursors(Open(new HubOptions()));
        var first = await TakeAsync(store, "r", "n1", Short);
        await RunOutAsync(store);
        Assert.True(await store.SaveCursorsAsync("r", first, [new("a", "e", 1)]));
        var second = await TakeAsync(store, "r", "n1");
        Assert.False(await store.SaveCursorsAsync("r", first, [new("a", "e", 2)]));
        Assert.True(await store.SaveCursorsAsync("r", second, [new("b", "e", 2)]));
        Assert.Equal(["a e 1", "b e 2"], await SavedAsync(store, "r"));
    }

    [Fact]
    public async Task Cursors_are_saved_by_the_thousand_and_all_of_them_are_read()
    {
        var store = Cursors(Open(new HubOptions()));
        var generation = await TakeAsync(store, "r", "n1");
        for (var i = 0; i < 5; i++) Assert.True(await store.SaveCursorsAsync("r", generation, [.. Enumerable.Range(i * 1_000, 1_000).Select(n => new LogCursor($"log {n}", "e", n))]));
        var read = await store.ReadCursorsAsync("r");
        Assert.Equal(Enumerable.Range(0, 5_000).Select(n => new LogCursor($"log {n}", "e", n)), read.OrderBy(cursor => cursor.Seqid));

        for (var i = 0; i < 5; i++) Assert.True(await store.SaveCursorsAsync("r", generation, [.. Enumerable.Range(i * 1_000, 1_000).Select(n => new LogCursor($"log {n}", n % 1_000 == 7 ? "f" : null, n))]));
        Assert.Equal(["log 1007 f 1007", "log 2007 f 2007", "log 3007 f 3007", "log 4007 f 4007", "log 7 f 7"], await SavedAsync(store, "r"));
    }

    [Theory]
    [InlineData("a,b")]
    [InlineData("\"a\" 'b'")]
    [InlineData("a:b:7")]
    [InlineData("{a}")]
    [InlineData(" ")]
    [InlineData("nul\0nul")]
    [InlineData("'; DROP TABLE cursors; --")]
    [InlineData("😀 ä")]
    [InlineData("$presence:x")]
    public async Task Cursors_of_logs_of_any_name_are_told_apart(string log)
    {
        var store = Cursors(Open(new HubOptions()));
        var generation = await TakeAsync(store, "r", "n1");
        Assert.True(await store.SaveCursorsAsync("r", generation, [new(log, "e", 1), new(log + log, "e", 2), new(log.Split('\0')[0] + "x", "e", 3)]));
        var read = (await store.ReadCursorsAsync("r")).ToDictionary(cursor => cursor.Log);
        Assert.Equal((1, 2, 3), (read[log].Seqid, read[log + log].Seqid, read.Count));
        Assert.True(await store.SaveCursorsAsync("r", generation, [new(log, null, 0)]));
        Assert.Equal([2L, 3L], (await store.ReadCursorsAsync("r")).Select(cursor => cursor.Seqid).Order());
    }

    [Fact]
    public async Task Cursors_and_leases_of_two_readers_are_apart()
    {
        var store = Cursors(Open(new HubOptions()));
        var readers = (string[])["r", "r.r", "R", "a-b_c.9", new string('r', 64)];
        foreach (var (i, reader) in readers.Index())
        {
            var generation = await TakeAsync(store, reader, $"n{i}");
            for (var again = 0; again < i; again++)
            {
                await store.ReleaseReaderAsync(reader, $"n{i}");
                generation = await TakeAsync(store, reader, $"n{i}");
            }

            Assert.True(await store.SaveCursorsAsync(reader, generation, [new("log", "e", i), new($"log{i}", "e", i)]));
        }

        foreach (var (i, reader) in readers.Index())
        {
            Assert.Equal([$"log e {i}", $"log{i} e {i}"], await SavedAsync(store, reader));
            Assert.Null(await store.LeaseReaderAsync(reader, "other", Long));
        }
    }

    [Fact]
    public async Task Cursors_outlive_what_drops_messages_and_channels()
    {
        var options = new HubOptions { History = new HistoryOptions { MaxMessages = 2, MaxBytes = 300, MaxAge = TimeSpan.FromMinutes(1), TotalBytes = 2_000 }, Limits = new LimitOptions { Channels = 2 } };
        var store = Open(options);
        Assert.True(await Cursors(store).SaveCursorsAsync("r", await TakeAsync(Cursors(store), "r", "n1"), [new("c", "e", 1), new("gone", "e", 2)]));
        for (var i = 0; i < 20; i++) await store.AppendAsync([HubFixture.NewMessage("c", new string('x', 100))]);
        await Clearing(store).ClearAsync("c");
        Time.Advance(TimeSpan.FromMinutes(2));
        await store.SweepAsync();
        for (var i = 0; i < 2; i++) await store.AppendAsync([HubFixture.NewMessage($"d{i}", "0")]);
        Time.Advance(TimeSpan.FromDays(100));
        await store.SweepAsync();
        Assert.Equal(["c e 1", "gone e 2"], await SavedAsync(Cursors(store), "r"));
    }

    [Fact]
    public async Task Reader_or_holder_out_of_its_bounds_is_refused_by_name()
    {
        var store = Cursors(Open(new HubOptions()));
        foreach (var reader in (string[])["", new string('r', 65), "a b", "ä", "a:b", "{a}", "a}", "a/b", "a\n"])
        {
            await RefusedAsync("reader", async () => await store.LeaseReaderAsync(reader, "n1", Long));
            await RefusedAsync("reader", async () => await store.ReleaseReaderAsync(reader, "n1"));
            await RefusedAsync("reader", async () => await store.ReadCursorsAsync(reader));
            await RefusedAsync("reader", async () => await store.SaveCursorsAsync(reader, 1, []));
        }

        foreach (var holder in (string[])["", new string('n', 65), "a-b", "a_b", "a.b", "ä", " "])
        {
            await RefusedAsync("holder", async () => await store.LeaseReaderAsync("r", holder, Long));
            await RefusedAsync("holder", async () => await store.ReleaseReaderAsync("r", holder));
        }

        var generation = await TakeAsync(store, new string('r', 64), new string('N', 64));
        LogCursor[] cursors = [.. Enumerable.Range(0, 1_001).Select(n => new LogCursor($"{n}", "e", n))];
        await RefusedAsync("cursors", async () => await store.SaveCursorsAsync(new string('r', 64), generation, cursors));
        Assert.Empty(await store.ReadCursorsAsync(new string('r', 64)));

        static async Task RefusedAsync(string parameter, Func<Task> call) => Assert.Equal(parameter, (await Assert.ThrowsAsync<ArgumentException>(call)).ParamName);
    }

    [Fact]
    public async Task Cursors_of_several_holders_never_go_back_whoever_has_the_lease()
    {
        var store = Cursors(Open(new HubOptions()));
        await Task.WhenAll(Enumerable.Range(0, 4).Select(n => Task.Run(async () =>
        {
            // Each takes the lease when it is free, reads on from the cursor, and saves once more after it has let go of it.
            for (var saved = 0; saved < 25;)
            {
                if (await store.LeaseReaderAsync("r", $"n{n}", Long) is not { } generation)
                {
                    await Task.Yield();
                    continue;
                }

                var next = (await store.ReadCursorsAsync("r")) is [var cursor] ? cursor.Seqid + 1 : 0;
                Assert.True(await store.SaveCursorsAsync("r", generation, [new("log", "e", next)]));
                await store.ReleaseReaderAsync("r", $"n{n}");
                await store.SaveCursorsAsync("r", generation, [new("log", "e", next)]);
                saved++;
            }
        })));
        Assert.Equal(["log e 99"], await SavedAsync(store, "r"));
    }

    protected static ICursorStore Cursors(IMessageStore store) => Assert.IsAssignableFrom<ICursorStore>(store);

    /// <summary>Takes out a lease that is free.</summary>
    protected static async Task<long> TakeAsync(ICursorStore store, string reader, string holder, TimeSpan? life = null) =>
        Assert.NotNull(await store.LeaseReaderAsync(reader, holder, life ?? Long));

    /// <summary>Reads the cursors of a reader as <c>log epoch seqid</c>, in the order of the logs.</summary>
    protected static async Task<string[]> SavedAsync(ICursorStore store, string reader) =>
        [.. (await store.ReadCursorsAsync(reader)).Select(cursor => $"{cursor.Log} {cursor.Epoch} {cursor.Seqid}").Order(StringComparer.Ordinal)];

    /// <summary>Waits until short leases that were taken out before have run out by the store's clock: one that is taken out now is free again.</summary>
    private async Task RunOutAsync(ICursorStore store)
    {
        await TakeAsync(store, "clock", "x", Short);
        await Time.UntilAsync(async () => await store.LeaseReaderAsync("clock", "y", Long) is not null, TimeSpan.FromMilliseconds(10), "The end of the lease");
    }
}
