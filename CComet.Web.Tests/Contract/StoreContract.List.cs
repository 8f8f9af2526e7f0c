using CComet.Storage;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Contract;

/// <summary>How the logs of a store are listed.</summary>
public abstract partial class StoreContract
{
    [Fact]
    public async Task List_has_the_logs_with_messages_in_the_order_of_their_bytes()
    {
        var store = Open(new HubOptions());
        string[] names = ["a", "a/b %2F", "aa", "b", "é", "\ufffd", "😀"];
        foreach (var name in names.Reverse()) await store.AppendAsync([HubFixture.NewMessage(name, "0")]);
        await store.ReadAsync("only asked for", 0, 1);
        await store.AppendAsync([HubFixture.NewMessage("cleared", "0")]);
        await Clearing(store).ClearAsync("cleared");
        Assert.Equal(names, (await Listing(store).ListAsync("", null, 100)).Logs.Select(log => log.Channel));
        Assert.Equal(["a", "a/b %2F", "aa"], (await Listing(store).ListAsync("a", null, 100)).Logs.Select(log => log.Channel));
        Assert.Equal(["aa"], (await Listing(store).ListAsync("a", "a/b %2F", 100)).Logs.Select(log => log.Channel));
        Assert.Equal(["\ufffd", "😀"], (await Listing(store).ListAsync("", "é", 100)).Logs.Select(log => log.Channel));
        Assert.Empty((await Listing(store).ListAsync("c", null, 100)).Logs);
        Assert.Empty((await Listing(store).ListAsync("", "😀", 100)).Logs);
    }

    [Fact]
    public async Task List_tells_the_bounds_and_about_the_bytes_of_a_log()
    {
        var store = Open(new HubOptions { History = new HistoryOptions { MaxMessages = 3 } });
        for (var i = 0; i < 5; i++) await store.AppendAsync([HubFixture.NewMessage("c", new string('x', 1_000))]);
        var head = (await store.ReadAsync("c", 0, 1)).Head;
        var log = Assert.Single((await Listing(store).ListAsync("c", null, 1)).Logs);
        Assert.Equal(head, log.Head);
        Assert.InRange(log.Bytes, 3_000, 8_000);
    }

    [Fact]
    public async Task List_goes_on_behind_a_name_until_there_are_no_more()
    {
        var store = Open(new HubOptions());
        for (var i = 0; i < 25; i++) await store.AppendAsync([HubFixture.NewMessage($"c{i:00}", "0")]);
        var (found, next) = (new List<string>(), (string?)null);
        do
        {
            var page = await Listing(store).ListAsync("c", next, 10);
            Assert.InRange(page.Logs.Count, 0, 10);
            found.AddRange(page.Logs.Select(log => log.Channel));
            next = page.Next;
        }
        while (next is not null);
        Assert.Equal(Enumerable.Range(0, 25).Select(i => $"c{i:00}"), found);
    }

    [Fact]
    public async Task List_leaves_out_a_log_whose_messages_are_over_their_time()
    {
        var store = Open(new HubOptions { History = new HistoryOptions { MaxAge = TimeSpan.FromMinutes(1) } });
        await store.AppendAsync([HubFixture.NewMessage("old", "0")]);
        Time.Advance(TimeSpan.FromMinutes(2));
        await store.AppendAsync([HubFixture.NewMessage("new", "0")]);
        Assert.Equal("new", Assert.Single((await Listing(store).ListAsync("", null, 10)).Logs).Channel);
    }

    private static IListingStore Listing(IMessageStore store) => Assert.IsType<IListingStore>(store, exactMatch: false);
}
