using CComet.Messages;
using CComet.Sqlite;
using CComet.Storage;
using CComet.Web.Tests.Contract;
using CComet.Web.Tests.Support;
using Microsoft.Data.Sqlite;

namespace CComet.Web.Tests.Sqlite;

/// <summary>The contract, on a file; and what a file adds to it: what outlives the process, and what is kept small.</summary>
public sealed class SqliteStoreTests : StoreContract, IDisposable
{
    private readonly SqliteFixture _file = new();

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task Messages_numbers_epoch_and_ids_outlive_the_process()
    {
        var before = _file.Open(time: Time);
        var first = (await before.AppendAsync([HubFixture.NewMessage("c", "0", "x"), HubFixture.NewMessage("c", "1")]))[0];
        await _file.CloseAsync();

        var after = _file.Open(time: Time);
        Assert.Equal(["0", "1"], Texts(await after.ReadAsync("c", 0, long.MaxValue)));
        var again = (await after.AppendAsync([HubFixture.NewMessage("c", "again", "x"), HubFixture.NewMessage("c", "2")])).ToArray();
        Assert.Equal((first.Epoch, 0L, true), (again[0].Epoch, again[0].Seqid, again[0].Duplicate));
        Assert.Equal((first.Epoch, 2L, false), (again[1].Epoch, again[1].Seqid, again[1].Duplicate));
    }

    [Fact]
    public async Task Numbers_and_ids_outlive_the_messages()
    {
        var options = new HubOptions { History = new HistoryOptions { MaxAge = TimeSpan.FromMinutes(1) } };
        var before = _file.Open(options, Time);
        var first = (await before.AppendAsync([HubFixture.NewMessage("c", "0", "x")]))[0];
        Time.Advance(TimeSpan.FromMinutes(2));
        await before.SweepAsync();
        Assert.Equal(0, _file.Ask("SELECT COUNT(*) FROM messages"));
        await _file.CloseAsync();

        var after = _file.Open(options, Time);
        Assert.True((await after.AppendAsync([HubFixture.NewMessage("c", "again", "x")]))[0].Duplicate);
        Assert.Equal((first.Epoch, 1L), (await after.AppendAsync([HubFixture.NewMessage("c", "1")])) is [var next] ? (next.Epoch, next.Seqid) : default);
    }

    [Fact]
    public async Task Asking_for_channels_leaves_nothing_in_the_file_and_their_epoch_stays_when_they_are_published_to()
    {
        var store = _file.Open(time: Time);
        for (var i = 0; i < 100; i++) await store.ReadAsync($"asked{i}", 0, 1);
        var epoch = (await store.ReadAsync("asked1", 0, 1)).Head.Epoch;
        Assert.Equal(0, _file.Ask("SELECT COUNT(*) FROM channels"));
        Assert.Equal(epoch, (await store.AppendAsync([HubFixture.NewMessage("asked1", "0")]))[0].Epoch);
        Assert.Equal(1, _file.Ask("SELECT COUNT(*) FROM channels"));
    }

    [Fact]
    public async Task Channel_that_is_forgotten_comes_back_as_another()
    {
        var remember = TimeSpan.FromDays(2);
        var options = new HubOptions { History = new HistoryOptions { MaxAge = TimeSpan.FromHours(1) } };
        var store = _file.Open(options, Time, new SqliteStoreOptions { Remember = remember });
        var first = (await store.AppendAsync([HubFixture.NewMessage("c", "0")]))[0];
        Time.Advance(remember - TimeSpan.FromHours(1));
        await store.SweepAsync();
        Assert.Equal((first.Epoch, 1L), (await store.ReadAsync("c", 0, 1)).Head is var kept ? (kept.Epoch, kept.End) : default);

        Time.Advance(TimeSpan.FromHours(2));
        await store.SweepAsync();
        Assert.Equal(0, _file.Ask("SELECT COUNT(*) FROM channels"));
        var second = (await store.AppendAsync([HubFixture.NewMessage("c", "0")]))[0];
        Assert.NotEqual(first.Epoch, second.Epoch);
        Assert.Equal(0, second.Seqid);
    }

    [Fact]
    public async Task Bounds_hold_before_the_sweeper_has_come()
    {
        var store = _file.Open(new HubOptions { History = new HistoryOptions { MaxMessages = 3, MaxBytes = 300, MaxAge = TimeSpan.FromMinutes(1) } }, Time);
        for (var i = 0; i < 10; i++) await store.AppendAsync([HubFixture.NewMessage("count", $"{i}")]);
        Assert.Equal(10, _file.Ask("SELECT COUNT(*) FROM messages"));
        Assert.Equal(["7", "8", "9"], Texts(await store.ReadAsync("count", 0, long.MaxValue)));

        for (var i = 0; i < 4; i++) await store.AppendAsync([HubFixture.NewMessage("bytes", new string((char)('a' + i), 60))]);
        var slice = await store.ReadAsync("bytes", 0, long.MaxValue);
        Assert.Equal(2, slice.Messages.Length);
        Assert.Equal((2L, 4L), (slice.Head.First, slice.Head.End));
        await store.AppendAsync([HubFixture.NewMessage("bytes", new string('z', 1_000))]);
        Assert.Equal(4, Assert.Single((await store.ReadAsync("bytes", 0, long.MaxValue)).Messages).Seqid);

        Time.Advance(TimeSpan.FromMinutes(2));
        await store.AppendAsync([HubFixture.NewMessage("bytes", "young")]);
        Assert.Equal(["young"], Texts(await store.ReadAsync("bytes", 0, long.MaxValue)));
        Assert.Equal((10L, 10L), (await store.ReadAsync("count", 0, long.MaxValue)).Head is var head ? (head.First, head.End) : default);
    }

    [Fact]
    public async Task Swept_messages_are_gone_from_the_file_and_the_disk_gets_its_room_back()
    {
        var store = _file.Open(new HubOptions { History = new HistoryOptions { MaxMessages = 10_000, MaxBytes = 1 << 30 } }, Time);
        var text = new string('x', 2_000);
        for (var i = 0; i < 50; i++) await store.AppendAsync([.. Enumerable.Range(0, 100).Select(_ => HubFixture.NewMessage("c", text))]);
        await store.SweepAsync();
        Assert.Equal(5_000, _file.Ask("SELECT COUNT(*) FROM messages"));
        var pages = _file.Ask("PRAGMA page_count");
        await _file.CloseAsync();

        var smaller = _file.Open(new HubOptions { History = new HistoryOptions { MaxMessages = 10 } }, Time);
        await smaller.SweepAsync();
        Assert.Equal((10, 4_990), (_file.Ask("SELECT COUNT(*) FROM messages"), _file.Ask("SELECT first FROM channels")));
        Assert.True(_file.Ask("PRAGMA page_count") < pages / 2, $"{_file.Ask("PRAGMA page_count")} pages are left of {pages}.");
        Assert.Equal(5_000, (await smaller.AppendAsync([HubFixture.NewMessage("c", "on")]))[0].Seqid);
    }

    [Fact]
    public async Task Publishes_pass_while_the_sweeper_is_at_work()
    {
        var store = _file.Open(new HubOptions { History = new HistoryOptions { MaxMessages = 10 } }, Time);
        for (var i = 0; i < 50; i++) await store.AppendAsync([.. Enumerable.Range(0, 1_000).Select(_ => HubFixture.NewMessage("old", "x"))]);
        var sweeping = store.SweepAsync().AsTask();
        var passed = 0;
        while (!sweeping.IsCompleted)
        {
            await store.AppendAsync([HubFixture.NewMessage("new", "x")]);
            passed++;
        }

        await sweeping;
        Assert.True(passed > 10, $"Only {passed} publishes passed.");
        Assert.Equal(10, _file.Ask("SELECT COUNT(*) FROM messages m JOIN channels c ON c.id = m.channel WHERE c.name = 'old'"));
    }

    [Fact]
    public async Task Only_what_is_used_is_in_memory()
    {
        var options = new HubOptions();
        var store = _file.Open(options, Time);
        for (var i = 0; i < 100; i++) await store.AppendAsync([HubFixture.NewMessage($"c{i}", "x")]);
        var listener = new Recorder(store, "c7");
        await store.FollowAsync("c7", listener);
        Assert.Equal(100, store.LogCount);
        Time.Advance(options.Limits.IdleChannel + TimeSpan.FromSeconds(1));
        await store.SweepAsync();
        Assert.Equal(1, store.LogCount);
        await store.AppendAsync([HubFixture.NewMessage("c8", "y"), HubFixture.NewMessage("c7", "y")]);
        Assert.Equal([1L], listener.Seqids);
        Assert.Equal(["x", "y"], Texts(await store.ReadAsync("c8", 0, long.MaxValue)));
    }

    [Fact]
    public async Task Publishes_that_wait_together_share_a_commit()
    {
        var store = _file.Open(time: Time);
        await store.AppendAsync([HubFixture.NewMessage("c", "0")]);
        var before = _file.Ask("SELECT commits FROM store");
        Task[] appends;
        using (var other = _file.Connect())
        {
            // While another one holds the file, they gather.
            using var holding = other.BeginTransaction();
            using var command = new SqliteCommand("UPDATE store SET uid = uid", other, holding);
            command.ExecuteNonQuery();
            appends = [.. Enumerable.Range(1, 500).Select(i => store.AppendAsync([HubFixture.NewMessage("c", $"{i}")]).AsTask())];
            holding.Rollback();
        }

        await Task.WhenAll(appends);
        Assert.InRange(_file.Ask("SELECT commits FROM store") - before, 1, 3);
        Assert.Equal(501, (await store.ReadAsync("c", 0, long.MaxValue)).Messages.Length);
    }

    [Fact]
    public async Task No_more_publishes_wait_than_the_bound_allows()
    {
        var store = _file.Open(new HubOptions { Limits = new LimitOptions { WaitingWrites = 10 } }, Time);
        await store.AppendAsync([HubFixture.NewMessage("c", "0")]);
        using var other = _file.Connect();
        using var holding = other.BeginTransaction();
        using var command = new SqliteCommand("UPDATE store SET uid = uid", other, holding);
        command.ExecuteNonQuery();
        var appends = Enumerable.Range(0, 100).Select(i => store.AppendAsync([HubFixture.NewMessage("c", $"{i}")]).AsTask()).ToArray();
        var refused = appends.Count(a => a.IsFaulted && a.Exception.InnerException is StoreUnavailableException);

        // Some were taken out before the file was found to be held.
        Assert.InRange(refused, 70, 90);
        holding.Rollback();
        foreach (var append in appends.Where(a => !a.IsFaulted)) await append;
        Assert.Equal(101 - refused, (await store.ReadAsync("c", 0, long.MaxValue)).Head.End);
    }

    [Fact]
    public async Task Cleared_log_stays_empty_in_its_new_epoch_when_the_process_ends()
    {
        var before = _file.Open(time: Time);
        var old = (await before.AppendAsync([HubFixture.NewMessage("c", "0", "x"), HubFixture.NewMessage("c", "1")]))[0];
        Assert.Equal(new LogHead(old.Epoch, 0, 2), await before.ClearAsync("c"));
        var head = (await before.ReadAsync("c", 0, 1)).Head;
        using (var killed = _file.Copy()) Assert.Equal(head, (await killed.Open(time: Time).ReadAsync("c", 0, 1)).Head);
        await _file.CloseAsync();

        var after = _file.Open(time: Time);
        Assert.Equal(head, (await after.ReadAsync("c", 0, 1)).Head);
        Assert.Equal(0, _file.Ask("SELECT (SELECT COUNT(*) FROM messages) + (SELECT COUNT(*) FROM ids)"));
        var again = (await after.AppendAsync([HubFixture.NewMessage("c", "new", "x")]))[0];
        Assert.Equal((head.Epoch, 0L, false), (again.Epoch, again.Seqid, again.Duplicate));
    }

    [Fact]
    public async Task Clear_in_the_transaction_of_appends_drops_those_before_it_and_keeps_those_behind_it()
    {
        var store = _file.Open(time: Time);
        var listener = new Recorder(store, "c");
        await store.FollowAsync("c", listener);
        Task<IReadOnlyList<Receipt>>[] appends;
        Task<LogHead?>[] clears;
        using (var other = _file.Connect())
        {
            // While another one holds the file, they gather.
            using var holding = Hold(other);
            var first = store.AppendAsync([HubFixture.NewMessage("c", "0", "x"), HubFixture.NewMessage("c", "1")]).AsTask();
            var clear = store.ClearAsync("c").AsTask();
            var second = store.AppendAsync([HubFixture.NewMessage("c", "2", "x")]).AsTask();
            var clearAgain = store.ClearAsync("c").AsTask();
            var nothing = store.ClearAsync("c").AsTask();
            var third = store.AppendAsync([HubFixture.NewMessage("c", "3"), HubFixture.NewMessage("c", "4", "x"), HubFixture.NewMessage("c", "again", "x")]).AsTask();
            (appends, clears) = ([first, second, third], [clear, clearAgain, nothing]);
            holding.Rollback();
        }

        var receipts = await Task.WhenAll(appends);
        Assert.Equal([0L, 1L, 0L, 0L, 1L, 1L], receipts.SelectMany(r => r).Select(r => r.Seqid));
        Assert.Equal(5, receipts.SelectMany(r => r).Count(r => !r.Duplicate));
        Assert.Equal(3, receipts.Select(r => r[0].Epoch).Distinct().Count());
        Assert.Equal([new LogHead(receipts[0][0].Epoch, 0, 2), new LogHead(receipts[1][0].Epoch, 0, 1), null], await Task.WhenAll(clears));
        var slice = await store.ReadAsync("c", 0, long.MaxValue);
        Assert.Equal((receipts[2][0].Epoch, 0L, 2L), (slice.Head.Epoch, slice.Head.First, slice.Head.End));
        Assert.Equal(["3", "4"], Texts(slice));
        Assert.Equal(0, _file.Ask("SELECT COUNT(*) - 2 FROM messages") + _file.Ask("SELECT COUNT(*) - 1 FROM ids"));
        Assert.Equal(0, _file.Ask("SELECT total - trimmed - (SELECT SUM(length(json)) FROM messages) FROM channels"));

        // Where the log stands in memory is where it stands in the file.
        Assert.Equal(2, (await store.AppendAsync([HubFixture.NewMessage("c", "5")]))[0].Seqid);
    }

    [Fact]
    public async Task Clear_that_could_not_be_written_leaves_the_log_as_it_was()
    {
        var store = _file.Open(time: Time);
        var epoch = (await store.AppendAsync([HubFixture.NewMessage("c", "0", "x")]))[0].Epoch;
        using (var other = _file.Connect())
        {
            using var holding = Hold(other);
            await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.ClearAsync("c"));
            holding.Rollback();
        }

        Assert.Equal(["0"], Texts(await store.ReadAsync("c", 0, long.MaxValue)));
        await Eventually.AnsweredAsync(async () => await store.AppendAsync([HubFixture.NewMessage("other", "0")]), "Writing");
        Assert.True((await store.AppendAsync([HubFixture.NewMessage("c", "again", "x")]))[0].Duplicate);
        Assert.Equal(new LogHead(epoch, 0, 1), await store.ClearAsync("c"));
    }

    [Fact]
    public async Task Records_outlive_the_process_and_expired_ones_leave_the_file()
    {
        var before = _file.Open(time: Time);
        await before.PutRecordAsync("k", "ever", "1"u8.ToArray(), null);
        await before.PutRecordAsync("k", "short", "2"u8.ToArray(), Time.GetUtcNow().AddMinutes(1));
        await before.PutRecordAsync("other", "short", "3"u8.ToArray(), Time.GetUtcNow().AddMinutes(1));
        using (var killed = _file.Copy()) Assert.Equal(["ever=31", "short=32"], await ReadAsync(killed.Open(time: Time), "k"));
        await _file.CloseAsync();

        var after = _file.Open(time: Time);
        Assert.Equal(["ever=31", "short=32"], await ReadAsync(after, "k"));
        Time.Advance(TimeSpan.FromMinutes(1));
        await after.PutRecordAsync("k", "new", "4"u8.ToArray(), null);
        Assert.Equal(2, _file.Ask("SELECT COUNT(*) FROM records"));
    }

    [Fact]
    public async Task Records_are_added_to_a_file_of_the_same_version_that_has_no_table_of_them()
    {
        await _file.Open(time: Time).AppendAsync([HubFixture.NewMessage("c", "0")]);
        await _file.CloseAsync();
        _file.Ask("DROP TABLE records; SELECT 0");
        var store = _file.Open(time: Time);
        Assert.Empty(await store.ReadRecordsAsync("k"));
        await store.PutRecordAsync("k", "a", "1"u8.ToArray(), null);
        Assert.Equal(["a=31"], await ReadAsync(store, "k"));
        Assert.Equal(1, (await store.AppendAsync([HubFixture.NewMessage("c", "1")]))[0].Seqid);
    }

    [Fact]
    public async Task Records_are_read_and_none_is_put_while_another_one_holds_the_file()
    {
        var store = _file.Open(time: Time);
        await store.PutRecordAsync("k", "a", "1"u8.ToArray(), null);
        using var other = _file.Connect();
        using var holding = Hold(other);
        Assert.Equal(["a=31"], await ReadAsync(store, "k"));
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.PutRecordAsync("k", "a", "2"u8.ToArray(), null));
        Assert.Equal(["a=31"], await ReadAsync(store, "k"));
        holding.Rollback();
    }

    private static SqliteTransaction Hold(SqliteConnection connection)
    {
        var holding = connection.BeginTransaction();
        using var command = new SqliteCommand("UPDATE store SET uid = uid", connection, holding);
        command.ExecuteNonQuery();
        return holding;
    }

    protected override IMessageStore Open(HubOptions options, TimeProvider? time = null) => _file.Open(options, time ?? Time);

    protected override long Left(IMessageStore store) => ((SqliteStore)store).LogCount + _file.Ask("SELECT COUNT(*) FROM channels");
}
