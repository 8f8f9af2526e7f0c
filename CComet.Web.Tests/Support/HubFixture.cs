using System.Diagnostics.Metrics;
using System.Text.Json;
using CComet.Access;
using CComet.Channels;
using CComet.Diagnostics;
using CComet.Dialects.Native;
using CComet.Messages;
using CComet.Operations;
using CComet.Storage;
using CComet.Subscriptions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Support;

/// <summary>A hub without a server around it, with a clock that the test turns.</summary>
internal sealed class HubFixture : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    public HubFixture(HubOptions? options = null, IMessageStore? store = null, FakeTimeProvider? time = null)
    {
        Options = options ?? new HubOptions();
        Time = time ?? new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        Store = store ?? NewStore(Options, Time);
        Hub = new ChannelHub(Store, Microsoft.Extensions.Options.Options.Create(Options), new HubMetrics(_services.GetRequiredService<IMeterFactory>()), Time, NullLogger<ChannelHub>.Instance);
        Operations = new ChannelOperations(Hub, new GrantAuthorizer(), new AccessAudit(NullLoggerFactory.Instance));
    }

    public HubOptions Options { get; }

    public FakeTimeProvider Time { get; }

    public IMessageStore Store { get; }

    public ChannelHub Hub { get; }

    public ChannelOperations Operations { get; }

    public static MemoryStore NewStore(HubOptions options, TimeProvider time) => new(Microsoft.Extensions.Options.Options.Create(options), time);

    public static NewMessage NewMessage(string channel, string text, string? id = null) => new(channel, MessageType.Msg, null, JsonString.Quote(text), id);

    /// <summary>The texts of what was read, notices as <c>GAP 3-7</c>, <c>RESET</c>.</summary>
    public static IReadOnlyList<string> Texts(IReadOnlyList<Reading> readings) => [.. readings.SelectMany(Texts)];

    public async Task<Receipt> PublishAsync(string channel, string text, string? id = null) => (await Operations.PublishAsync(CallerContext.Local, [NewMessage(channel, text, id)]))[0];

    public ValueTask<Subscriber> SubscribeAsync(string channel, Cursor from = default, string? sname = null) => Operations.SubscribeAsync(CallerContext.Local, [new ChannelStart(channel, from)], sname);

    public void Dispose()
    {
        ((IDisposable)Hub).Dispose();
        _services.Dispose();
    }

    private static IEnumerable<string> Texts(Reading reading)
    {
        if (reading.Notice is { } notice)
        {
            var json = JsonDocument.Parse(NoticeJson.Encode(notice)).RootElement;
            yield return notice.Kind == NoticeKind.Gap ? $"GAP {json.GetProperty("from")}-{json.GetProperty("to")}" : json.GetProperty("type").GetString()!;
        }

        foreach (var message in reading.Batch.Messages) yield return JsonDocument.Parse(message.Record).RootElement.GetProperty("msg").GetString()!;
    }
}
