using CComet.Channels;
using CComet.Messages;
using CComet.Redis;
using CComet.Subscriptions;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Redis;

/// <summary>Nodes over Redis, each a hub with a store of its own, and what tests do with them.</summary>
internal sealed class RedisNodes
{
    private readonly List<RedisStore> _stores = [];
    private readonly List<HubFixture> _hubs = [];

    public HubFixture New(string address, HubOptions? options = null)
    {
        var store = RedisFixture.NewStore(address, options);
        _stores.Add(store);
        var hub = new HubFixture(options, store);
        _hubs.Add(hub);
        return hub;
    }

    /// <summary>Publishes as soon as Redis lets it.</summary>
    public static Task<Receipt> PublishedAsync(HubFixture node, string text, string channel = "c") =>
        Eventually.AnsweredAsync(() => node.PublishAsync(channel, text, text), "Publishing");

    /// <summary>A subscriber that has read everything and waits.</summary>
    /// <remarks>A node that was just made may have yet to connect for what it is told of.</remarks>
    public static async Task<Subscriber> WaitingAsync(HubFixture node, string channel = "c")
    {
        var reader = await Eventually.AnsweredAsync(async () => await node.SubscribeAsync(channel), "Subscribed");
        Assert.Empty(await reader.ReadAsync(park: true));
        return reader;
    }

    /// <summary>Reads so many elements; the clock of the hub stands still, so that only a wake-up ends a wait.</summary>
    public static async Task<IReadOnlyList<string>> ReadAsync(Subscriber reader, int count)
    {
        var texts = new List<string>();
        while (texts.Count < count)
        {
            var read = HubFixture.Texts(await reader.ReadAsync(park: true));
            texts.AddRange(read);
            if (read.Count == 0) Assert.Equal(WakeReason.Messages, await reader.WakeAsync(TimeSpan.FromMinutes(1)).WaitAsync(Patience.Limit));
        }

        return texts;
    }

    public async Task CloseAsync()
    {
        foreach (var hub in _hubs) hub.Dispose();
        foreach (var store in _stores) await store.DisposeAsync();
    }
}
