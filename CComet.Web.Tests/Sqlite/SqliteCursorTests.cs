using CComet.Sqlite;
using CComet.Storage;
using CComet.Web.Tests.Support;
using Microsoft.Data.Sqlite;

namespace CComet.Web.Tests.Sqlite;

/// <summary>What a file adds to the contract of cursors: what outlives the process, and what does not outlive the file.</summary>
public sealed class SqliteCursorTests : IDisposable
{
    private static readonly TimeSpan Life = TimeSpan.FromHours(1);

    private readonly SqliteFixture _file = new();

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task Cursors_and_generation_outlive_the_process_and_its_lease_does_not()
    {
        var before = _file.Open();
        var first = (await before.LeaseReaderAsync("r", "n1", Life))!.Value;
        await before.SaveCursorsAsync("r", first, [new("a", "e", 1), new("b", "e", 2)]);
        using (var killed = _file.Copy())
        {
            var next = killed.Open();
            Assert.Equal([new LogCursor("a", "e", 1), new LogCursor("b", "e", 2)], (await next.ReadCursorsAsync("r")).OrderBy(cursor => cursor.Log));
            Assert.True(await next.LeaseReaderAsync("r", "n2", Life) > first, "The generation outlives a process that was killed.");
        }

        await _file.CloseAsync();
        var after = _file.Open();
        Assert.True(await after.SaveCursorsAsync("r", first, [new("a", null, 0)]), "No other lease was taken out.");
        var second = (await after.LeaseReaderAsync("r", "n2", Life))!.Value;
        Assert.True(second > first, $"{second} follows {first}.");
        Assert.False(await after.SaveCursorsAsync("r", first, [new("b", "e", 3)]));
        Assert.Equal([new LogCursor("b", "e", 2)], await after.ReadCursorsAsync("r"));
    }

    [Fact]
    public async Task Cursors_are_added_to_a_file_of_the_same_version_that_has_no_tables_of_them()
    {
        await _file.Open().AppendAsync([HubFixture.NewMessage("c", "0")]);
        await _file.CloseAsync();
        _file.Ask("DROP TABLE cursors; DROP TABLE readers; SELECT 0");
        var store = _file.Open();
        Assert.Empty(await store.ReadCursorsAsync("r"));
        Assert.True(await store.SaveCursorsAsync("r", (await store.LeaseReaderAsync("r", "n1", Life))!.Value, [new("a", "e", 1)]));
        Assert.Equal(1, (await store.AppendAsync([HubFixture.NewMessage("c", "1")]))[0].Seqid);
    }

    [Fact]
    public async Task Renewal_writes_nothing()
    {
        var store = _file.Open();
        var generation = await store.LeaseReaderAsync("r", "n1", Life);
        var commits = _file.Ask("SELECT commits FROM store");
        for (var i = 0; i < 10; i++) Assert.Equal(generation, await store.LeaseReaderAsync("r", "n1", Life));
        Assert.Equal(commits, _file.Ask("SELECT commits FROM store"));
    }

    [Fact]
    public async Task Lease_is_not_taken_out_and_no_cursor_is_saved_while_another_one_holds_the_file()
    {
        var store = _file.Open();
        var generation = (await store.LeaseReaderAsync("held", "n1", Life))!.Value;
        await store.SaveCursorsAsync("held", generation, [new("a", "e", 1)]);
        using (var other = _file.Connect())
        {
            using var holding = other.BeginTransaction();
            using var command = new SqliteCommand("UPDATE store SET uid = uid", other, holding);
            command.ExecuteNonQuery();
            var saving = store.SaveCursorsAsync("held", generation, [new("a", "e", 2)]).AsTask();
            var leasing = store.LeaseReaderAsync("free", "n1", Life).AsTask();
            await Assert.ThrowsAsync<StoreUnavailableException>(() => saving);
            await Assert.ThrowsAsync<StoreUnavailableException>(() => leasing);
            Assert.Equal([new LogCursor("a", "e", 1)], await store.ReadCursorsAsync("held"));
            holding.Rollback();
        }

        // The one that could not take it out has nothing of it, and the one that has a lease kept it.
        Assert.NotNull(await EventuallyAsync(store, "free", "n2"));
        Assert.Null(await store.LeaseReaderAsync("free", "n1", Life));
        Assert.Equal(generation, await store.LeaseReaderAsync("held", "n1", Life));
        Assert.True(await store.SaveCursorsAsync("held", generation, [new("a", "e", 3)]));
    }

    [Fact]
    public async Task Lease_that_the_file_has_lost_ends_with_the_save_that_is_refused_and_its_generation_is_not_given_again()
    {
        var store = _file.Open();
        var first = (await store.LeaseReaderAsync("r", "n1", Life))!.Value;
        foreach (var suffix in (string[])["", "-wal", "-shm"]) File.Delete(_file.Path + suffix);
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.SweepAsync());
        await EventuallyAsync(store, "other", "n1");
        Assert.False(await store.SaveCursorsAsync("r", first, [new("a", "e", 1)]));
        var second = (await store.LeaseReaderAsync("r", "n2", Life))!.Value;
        Assert.True(second > first, $"{second} follows {first}.");
        Assert.False(await store.SaveCursorsAsync("r", first, [new("a", "e", 1)]));
        Assert.True(await store.SaveCursorsAsync("r", second, [new("a", "e", 2)]));
    }

    private static Task<long?> EventuallyAsync(SqliteStore store, string reader, string holder) =>
        Eventually.AnsweredAsync(async () => await store.LeaseReaderAsync(reader, holder, Life), "Writing again");
}
