using CComet.Channels;
using CComet.Messages;
using CComet.Sqlite;
using CComet.Web.Tests.Support;
using Microsoft.Data.Sqlite;

namespace CComet.Web.Tests.Sqlite;

/// <summary>
/// What may happen to the file. Publishes are refused with the reason while it lasts, nothing acknowledged is lost without a
/// word, and the store comes back by itself.
/// </summary>
public sealed class SqliteFailureTests : IDisposable
{
    private readonly SqliteFixture _file = new();

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task Locked_file_refuses_publishes_and_is_read_all_the_same()
    {
        var store = _file.Open();
        await store.AppendAsync([HubFixture.NewMessage("c", "0")]);
        using (var other = _file.Connect())
        {
            using var holding = other.BeginTransaction();
            using var command = new SqliteCommand("UPDATE store SET uid = uid", other, holding);
            command.ExecuteNonQuery();
            Assert.Contains("locked", (await RefusedAsync(store)).Message, StringComparison.Ordinal);
            Assert.Contains("locked", (await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.CheckAsync())).Message, StringComparison.Ordinal);
            Assert.Single((await store.ReadAsync("c", 0, long.MaxValue)).Messages);
            holding.Rollback();
        }

        Assert.Equal(1, (await store.AppendAsync([HubFixture.NewMessage("c", "1")]))[0].Seqid);
        await store.CheckAsync();
    }

    [Fact]
    public async Task File_has_one_server_and_the_next_one_takes_over_when_it_has_ended()
    {
        var first = _file.Open();
        var receipt = (await first.AppendAsync([HubFixture.NewMessage("c", "0")]))[0];
        var second = _file.Open();
        Assert.Contains("another process serves", (await RefusedAsync(second)).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await second.ReadAsync("c", 0, 1));
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await second.CheckAsync());
        await first.DisposeAsync();

        var next = await EventuallyAppendedAsync(second);
        Assert.Equal((receipt.Epoch, 1L), (next.Epoch, next.Seqid));
    }

    [Fact]
    public async Task Concurrent_DisposeAsync_completes_only_after_the_file_is_released()
    {
        var store = _file.Open();
        await store.AppendAsync([HubFixture.NewMessage("c", "0")]);
        var ending = store.DisposeAsync().AsTask();
        await store.DisposeAsync();
        Assert.Equal(1, (await _file.Open().AppendAsync([HubFixture.NewMessage("c", "1")]))[0].Seqid);
        await ending;
    }

    [Fact]
    public async Task Server_that_ended_suddenly_has_left_everything_it_acknowledged()
    {
        var receipt = await PublishTenAsync();
        using var copy = _file.Copy();
        var head = (await copy.Open().ReadAsync("c", 0, 1)).Head;
        Assert.Equal((receipt.Epoch, 10L), (head.Epoch, head.End));
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.5)]
    [InlineData(0.9)]
    public async Task Write_ahead_log_that_was_cut_short_is_told_as_a_new_epoch(double left)
    {
        var receipt = await PublishTenAsync();
        using var copy = _file.Copy();
        await using (var log = File.OpenWrite(copy.Path + "-wal")) log.SetLength((long)(log.Length * left));
        var store = copy.Open();
        var head = (await store.ReadAsync("c", 0, 1)).Head;
        Assert.NotEqual(receipt.Epoch, head.Epoch);
        Assert.True(head.End < 10, $"The log still ends at {head.End}.");

        // A subscriber that continues from its cursor gets a RESET, whatever messages have got those seqids since.
        await store.AppendAsync([.. Enumerable.Range(0, 20).Select(i => HubFixture.NewMessage("c", $"new{i}"))]);
        using var hub = new HubFixture(store: store);
        using var subscriber = await hub.SubscribeAsync("c", new Cursor(receipt.Epoch, receipt.Seqid + 1));
        Assert.Equal("RESET", HubFixture.Texts(await subscriber.ReadAsync(park: true))[0]);
    }

    [Fact]
    public async Task Older_copy_put_in_its_place_is_told_as_a_new_epoch()
    {
        var store = _file.Open();
        var receipt = (await store.AppendAsync([HubFixture.NewMessage("c", "in the copy")]))[0];
        using (var backup = _file.Connect())
        {
            using var command = new SqliteCommand($"VACUUM INTO '{_file.Path}.backup'", backup);
            command.ExecuteNonQuery();
        }

        await store.AppendAsync([HubFixture.NewMessage("c", "after it")]);
        await _file.CloseAsync();
        File.Move(_file.Path + ".backup", _file.Path, overwrite: true);
        Assert.NotEqual(receipt.Epoch, (await _file.Open().ReadAsync("c", 0, 1)).Head.Epoch);
    }

    [Fact]
    public async Task Database_without_its_mark_cannot_prove_that_it_is_whole()
    {
        var receipt = await PublishTenAsync();
        await _file.CloseAsync();
        File.Delete(_file.Path + "-mark");
        var head = (await _file.Open().ReadAsync("c", 0, 1)).Head;
        Assert.NotEqual(receipt.Epoch, head.Epoch);
        Assert.Equal(10, head.End);
    }

    [Theory]
    [InlineData(Durability.Normal, false)]
    [InlineData(Durability.Full, true)]
    public async Task Only_messages_synced_to_disk_are_trusted_after_the_machine_went_down(Durability durability, bool isKept)
    {
        var options = new SqliteStoreOptions { Durability = durability };
        var receipt = await PublishTenAsync(options);
        using var copy = _file.Copy();

        // As if it had been written on an earlier run of the machine.
        var mark = await File.ReadAllTextAsync(copy.Path + "-mark");
        var boot = (await File.ReadAllTextAsync("/proc/sys/kernel/random/boot_id")).Trim();
        await File.WriteAllTextAsync(copy.Path + "-mark", mark.Replace(boot, Guid.NewGuid().ToString(), StringComparison.Ordinal));
        Assert.Equal(isKept, receipt.Epoch == (await copy.Open(store: options).ReadAsync("c", 0, 1)).Head.Epoch);
    }

    [Fact]
    public async Task Clean_shutdown_is_trusted_after_the_machine_went_down()
    {
        var receipt = await PublishTenAsync();
        await _file.CloseAsync();
        var mark = await File.ReadAllTextAsync(_file.Path + "-mark");
        var boot = (await File.ReadAllTextAsync("/proc/sys/kernel/random/boot_id")).Trim();
        await File.WriteAllTextAsync(_file.Path + "-mark", mark.Replace(boot, Guid.NewGuid().ToString(), StringComparison.Ordinal));
        Assert.Equal(receipt.Epoch, (await _file.Open().ReadAsync("c", 0, 1)).Head.Epoch);
    }

    [Fact]
    public async Task Damaged_file_is_told_and_a_new_one_is_taken_when_it_has_been_moved_away()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_file.Path)!);
        var garbage = new byte[64 << 10];
        new Random(1).NextBytes(garbage);
        await File.WriteAllBytesAsync(_file.Path, garbage);
        var store = _file.Open();
        Assert.Contains("damaged", (await RefusedAsync(store)).Message, StringComparison.Ordinal);
        Assert.Contains("damaged", (await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.ReadAsync("c", 0, 1))).Message, StringComparison.Ordinal);
        Assert.Contains("damaged", (await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.CheckAsync())).Message, StringComparison.Ordinal);
        Assert.Equal(garbage, await File.ReadAllBytesAsync(_file.Path));

        File.Move(_file.Path, _file.Path + ".damaged");
        Assert.Equal(0, (await EventuallyAppendedAsync(store)).Seqid);
        await store.CheckAsync();
    }

    [Fact]
    public async Task Damage_inside_the_file_fails_reads_of_the_damaged_messages_only()
    {
        var store = _file.Open();
        var text = new string('x', 1_000);
        await store.AppendAsync([HubFixture.NewMessage("small", "whole")]);
        for (var i = 0; i < 20; i++) await store.AppendAsync([.. Enumerable.Range(0, 50).Select(_ => HubFixture.NewMessage("large", text))]);
        await _file.CloseAsync();
        await using (var file = File.OpenWrite(_file.Path))
        {
            file.Position = file.Length / 2;
            file.Write(new byte[200 << 10]);
        }

        var again = _file.Open();
        Assert.Single((await again.ReadAsync("small", 0, long.MaxValue)).Messages);
        var failure = await Assert.ThrowsAsync<StoreUnavailableException>(async () => await again.ReadAsync("large", 0, long.MaxValue));
        Assert.Contains("damaged", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task File_that_was_taken_away_is_noticed_and_its_successor_begins_new_epochs()
    {
        var store = _file.Open();
        var receipt = (await store.AppendAsync([HubFixture.NewMessage("c", "0")]))[0];
        using var hub = new HubFixture(store: store);
        using var subscriber = await hub.SubscribeAsync("c");
        Assert.Empty(await subscriber.ReadAsync(park: true));
        var wake = subscriber.WakeAsync(TimeSpan.FromSeconds(28));
        foreach (var suffix in new[] { "", "-wal", "-shm" }) File.Delete(_file.Path + suffix);
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.SweepAsync());

        var next = await EventuallyAppendedAsync(store);
        Assert.NotEqual(receipt.Epoch, next.Epoch);
        Assert.Equal(WakeReason.Messages, await wake);
        Assert.Equal("RESET", HubFixture.Texts(await subscriber.ReadAsync(park: true))[0]);
    }

    [Theory]
    [InlineData("PRAGMA user_version = 99", "newer version (99)")]
    [InlineData("PRAGMA application_id = 77", "another program's database")]
    public async Task File_that_is_not_for_this_server_is_left_alone(string sql, string reason)
    {
        await PublishTenAsync();
        await _file.CloseAsync();
        using (var other = _file.Connect())
        {
            using var command = new SqliteCommand(sql, other);
            command.ExecuteNonQuery();
        }

        var bytes = await File.ReadAllBytesAsync(_file.Path);
        var store = _file.Open();
        Assert.Contains(reason, (await RefusedAsync(store)).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.ReadAsync("c", 0, 1));
        await _file.CloseAsync();
        Assert.Equal(bytes, await File.ReadAllBytesAsync(_file.Path));
    }

    private static Task<StoreUnavailableException> RefusedAsync(SqliteStore store) =>
        Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.AppendAsync([HubFixture.NewMessage("c", "refused")]));

    private static async Task<Receipt> EventuallyAppendedAsync(SqliteStore store) =>
        (await Eventually.AnsweredAsync(async () => await store.AppendAsync([HubFixture.NewMessage("c", "again")]), "Appending"))[0];

    private async Task<Receipt> PublishTenAsync(SqliteStoreOptions? options = null)
    {
        var store = _file.Open(store: options);
        Receipt last = default;
        for (var i = 0; i < 10; i++) last = (await store.AppendAsync([HubFixture.NewMessage("c", $"{i}")]))[0];
        return last;
    }
}
