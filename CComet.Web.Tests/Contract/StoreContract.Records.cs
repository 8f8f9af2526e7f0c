using System.Globalization;
using System.Text;
using CComet.Storage;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Contract;

/// <summary>What records are kept through, and until when.</summary>
public abstract partial class StoreContract
{
    private const int MostOfAKind = 10_000;

    [Fact]
    public async Task Record_is_read_as_it_was_put_last_under_its_kind_and_name()
    {
        var store = Records(Open(new HubOptions()));
        Assert.Empty(await store.ReadRecordsAsync("k"));
        var value = new byte[] { 0, 58, 255, 10, 0 };
        await store.PutRecordAsync("k", "a", value, null);
        value[0] = 9;
        await store.PutRecordAsync("k", "b", "first"u8.ToArray(), Time.GetUtcNow().AddHours(1));
        await store.PutRecordAsync("k", "b", "second"u8.ToArray(), null);
        await store.PutRecordAsync("K", "a", ReadOnlyMemory<byte>.Empty, Time.GetUtcNow().AddHours(1));
        Assert.Equal(["a=003AFF0A00", "b=7365636F6E64"], await ReadAsync(store, "k"));
        Assert.Equal(["a="], await ReadAsync(store, "K"));

        // What was read is the reader's own.
        (await store.ReadRecordsAsync("k"))["a"][0] = 9;
        Assert.Equal(["a=003AFF0A00", "b=7365636F6E64"], await ReadAsync(store, "k"));
    }

    [Theory]
    [InlineData("a:b")]
    [InlineData("{a}")]
    [InlineData(" ")]
    [InlineData("nul\0nul")]
    [InlineData("'; DROP TABLE records; --")]
    [InlineData("😀 ä")]
    public async Task Record_names_of_any_kind_are_told_apart(string name)
    {
        var store = Records(Open(new HubOptions()));
        await store.PutRecordAsync("a.B-1", name, "this"u8.ToArray(), null);
        await store.PutRecordAsync("a.B-1", name + name, "other"u8.ToArray(), null);
        await store.PutRecordAsync("a.B-1", name.Split('\0')[0] + "x", "third"u8.ToArray(), null);
        var read = await store.ReadRecordsAsync("a.B-1");
        Assert.Equal(("this", "other", 3), (Encoding.ASCII.GetString(read[name]), Encoding.ASCII.GetString(read[name + name]), read.Count));
    }

    [Fact]
    public async Task Record_that_has_expired_is_not_read_any_more()
    {
        var store = Records(Open(new HubOptions()));
        var now = Time.GetUtcNow();
        await store.PutRecordAsync("k", "short", "1"u8.ToArray(), now.AddMinutes(1));
        await store.PutRecordAsync("k", "long", "2"u8.ToArray(), now.AddMinutes(2));
        await store.PutRecordAsync("k", "over", "3"u8.ToArray(), now);
        await store.PutRecordAsync("k", "ever", "4"u8.ToArray(), null);
        Assert.Equal(["ever=34", "long=32", "short=31"], await ReadAsync(store, "k"));
        Time.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromMilliseconds(1));
        Assert.Equal(["ever=34", "long=32", "short=31"], await ReadAsync(store, "k"));
        Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(["ever=34", "long=32"], await ReadAsync(store, "k"));

        // A new life of a record that has expired, and an end of one that had none.
        await store.PutRecordAsync("k", "short", "5"u8.ToArray(), now.AddMinutes(3));
        await store.PutRecordAsync("k", "ever", "6"u8.ToArray(), now.AddMinutes(2));
        await store.PutRecordAsync("k", "long", "7"u8.ToArray(), null);
        Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(["long=37", "short=35"], await ReadAsync(store, "k"));
        Time.Advance(TimeSpan.FromDays(3_650));
        await store.PutRecordAsync("k", "new", "8"u8.ToArray(), null);
        Assert.Equal(["long=37", "new=38"], await ReadAsync(store, "k"));
    }

    [Fact]
    public async Task Records_outlive_what_drops_messages_and_channels()
    {
        var options = new HubOptions { History = new HistoryOptions { MaxMessages = 2, MaxBytes = 300, MaxAge = TimeSpan.FromMinutes(1), TotalBytes = 2_000 }, Limits = new LimitOptions { Channels = 2 } };
        var store = Open(options);
        await Records(store).PutRecordAsync("c", "c", "kept"u8.ToArray(), null);
        for (var i = 0; i < 20; i++) await store.AppendAsync([HubFixture.NewMessage("c", new string('x', 100))]);
        await Clearing(store).ClearAsync("c");
        Time.Advance(TimeSpan.FromMinutes(2));
        await store.SweepAsync();
        for (var i = 0; i < 2; i++) await store.AppendAsync([HubFixture.NewMessage($"d{i}", "0")]);
        Time.Advance(TimeSpan.FromDays(100));
        await store.SweepAsync();
        Assert.Equal(["c=6B657074"], await ReadAsync(Records(store), "c"));
    }

    [Fact]
    public async Task Record_out_of_its_bounds_is_refused_by_name_and_the_largest_is_kept()
    {
        var store = Records(Open(new HubOptions()));
        foreach (var kind in (string[])["", new string('k', 65), "a b", "ä", "a:b", "{a}", "a_b"])
        {
            Assert.Equal("kind", (await Assert.ThrowsAsync<ArgumentException>(async () => await store.PutRecordAsync(kind, "n", default, null))).ParamName);
            Assert.Equal("kind", (await Assert.ThrowsAsync<ArgumentException>(async () => await store.ReadRecordsAsync(kind))).ParamName);
        }

        foreach (var name in (string[])["", new string('n', 1_001), "half \ud83d", "\ude00 half"])
            Assert.Equal("name", (await Assert.ThrowsAsync<ArgumentException>(async () => await store.PutRecordAsync("k", name, default, null))).ParamName);
        Assert.Equal("value", (await Assert.ThrowsAsync<ArgumentException>(async () => await store.PutRecordAsync("k", "n", new byte[(64 << 10) + 1], null))).ParamName);
        Assert.Empty(await store.ReadRecordsAsync("k"));

        var largest = (Kind: new string('k', 64), Name: new string('ä', 1_000), Value: new byte[64 << 10]);
        Random.Shared.NextBytes(largest.Value);
        await store.PutRecordAsync(largest.Kind, largest.Name, largest.Value, null);
        Assert.Equal(largest.Value, (await store.ReadRecordsAsync(largest.Kind))[largest.Name]);
    }

    [Fact]
    public async Task Record_too_many_is_refused_until_others_have_expired_or_it_takes_the_place_of_one()
    {
        var store = Records(Open(new HubOptions()));
        var end = Time.GetUtcNow().AddMinutes(1);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(w => Task.Run(async () =>
        {
            for (var i = w; i < MostOfAKind; i += 20) await store.PutRecordAsync("k", i.ToString(CultureInfo.InvariantCulture), "0"u8.ToArray(), i < 5_000 ? end : null);
        })));
        Assert.Equal("kind", (await Assert.ThrowsAsync<LimitException>(async () => await store.PutRecordAsync("k", "more", default, null))).Parameter);
        await store.PutRecordAsync("k", "7000", "1"u8.ToArray(), null);
        await store.PutRecordAsync("other", "more", default, null);
        var read = await store.ReadRecordsAsync("k");
        Assert.Equal((MostOfAKind, (byte)'1'), (read.Count, read["7000"][0]));
        Time.Advance(TimeSpan.FromMinutes(1));
        await store.PutRecordAsync("k", "more", default, null);
        Assert.Equal(5_001, (await store.ReadRecordsAsync("k")).Count);
    }

    [Fact]
    public async Task Records_are_put_and_read_while_messages_are_appended()
    {
        var store = Open(new HubOptions());
        await Task.WhenAll(Enumerable.Range(0, 4).Select(w => Task.Run(async () =>
        {
            for (var i = 0; i < 100; i++)
            {
                await store.AppendAsync([HubFixture.NewMessage("c", $"{w}.{i}")]);
                await Records(store).PutRecordAsync("k", $"{w}", BitConverter.GetBytes(i), null);
                Assert.Equal(i, BitConverter.ToInt32((await Records(store).ReadRecordsAsync("k"))[$"{w}"]));
            }
        })));
        Assert.Equal(4, (await Records(store).ReadRecordsAsync("k")).Count);
    }

    protected static IRecordStore Records(IMessageStore store) => Assert.IsAssignableFrom<IRecordStore>(store);

    /// <summary>Reads the records of a kind as <c>name=hexadecimal value</c>, in the order of the names.</summary>
    protected static async Task<string[]> ReadAsync(IRecordStore store, string kind) =>
        [.. (await store.ReadRecordsAsync(kind)).OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => $"{r.Key}={Convert.ToHexString(r.Value)}")];
}
