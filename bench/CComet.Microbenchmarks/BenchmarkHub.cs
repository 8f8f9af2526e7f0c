using System.Diagnostics.Metrics;
using CComet.Access;
using CComet.Channels;
using CComet.Diagnostics;
using CComet.Messages;
using CComet.Operations;
using CComet.Storage;
using CComet.Subscriptions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace CComet.Microbenchmarks;

/// <summary>Holds a hub with the memory store and the default settings, without a server around it.</summary>
internal sealed class BenchmarkHub : IDisposable
{
    /// <summary>The channel that is published to.</summary>
    public const string Channel = "news";

    /// <summary>The text of the messages, 64 characters of ASCII.</summary>
    public const string Text = "The quick brown fox jumps over the lazy dog, and then once more.";

    /// <summary>How long subscribers wait: longer than any benchmark runs.</summary>
    public static readonly TimeSpan Wait = TimeSpan.FromDays(1);

    private static readonly NewMessage[] Published = [new(Channel, MessageType.Msg, null, JsonString.Quote(Text))];

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly ChannelHub _hub;

    /// <summary>Makes one with the default settings, but for the limits that are given.</summary>
    public BenchmarkHub(Action<LimitOptions>? limit = null)
    {
        var settings = new HubOptions();
        limit?.Invoke(settings.Limits);
        var options = Microsoft.Extensions.Options.Options.Create(settings);
        var store = new MemoryStore(options, TimeProvider.System);
        var metrics = new HubMetrics(_services.GetRequiredService<IMeterFactory>());
        _hub = new ChannelHub(store, options, metrics, TimeProvider.System, NullLogger<ChannelHub>.Instance);
        Operations = new ChannelOperations(_hub, new GrantAuthorizer(), new AccessAudit(NullLoggerFactory.Instance));
    }

    /// <summary>The operations, over the hub.</summary>
    public ChannelOperations Operations { get; }

    /// <summary>The parts that channels and subscribers have in common.</summary>
    public HubContext Context => _hub.Context;

    /// <summary>Publishes one message.</summary>
    public ValueTask<IReadOnlyList<Receipt>> PublishAsync() => Operations.PublishAsync(CallerContext.Local, Published);

    /// <summary>Publishes until the channel keeps no more messages, so that every later publish does the same.</summary>
    public async Task FillAsync()
    {
        for (var i = 0; i < Context.Options.History.MaxMessages; i++) await PublishAsync();
    }

    /// <summary>Subscribes to one channel.</summary>
    public ValueTask<Subscriber> SubscribeAsync(string channel = Channel, Cursor from = default) =>
        Operations.SubscribeAsync(CallerContext.Local, [new ChannelStart(channel, from)], sname: null);

    /// <inheritdoc/>
    public void Dispose()
    {
        ((IDisposable)_hub).Dispose();
        _services.Dispose();
    }
}
