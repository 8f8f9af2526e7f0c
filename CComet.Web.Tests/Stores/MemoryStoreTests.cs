using CComet.Web.Hub;
using CComet.Web.Tests.Contract;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Stores;

public sealed class MemoryStoreTests : StoreContract
{
    [Fact]
    public async Task A_log_is_forgotten_only_when_that_loses_nothing()
    {
        var options = new HubOptions { History = new HistoryOptions { MaxAge = TimeSpan.FromHours(1) } };
        var store = HubFixture.NewStore(options, Time);
        await store.ReadAsync("empty", 0, 1);
        await store.AppendAsync([HubFixture.Draft("kept", "a")]);
        Time.Advance(options.Limits.IdleChannel + TimeSpan.FromSeconds(1));
        await store.SweepAsync();
        Assert.Equal(1, store.LogCount);
        Assert.Single((await store.ReadAsync("kept", 0, 1)).Messages);
        Time.Advance(TimeSpan.FromHours(2));
        await store.SweepAsync();
        Assert.Equal(0, store.LogCount);
    }

    protected override IMessageStore Open(HubOptions options) => HubFixture.NewStore(options, Time);
}
