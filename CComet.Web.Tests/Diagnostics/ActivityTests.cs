using System.Collections.Concurrent;
using System.Diagnostics;
using CComet.Diagnostics;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Diagnostics;

/// <summary>What is traced, when something listens.</summary>
[Collection(Alone.Name)]
public sealed class ActivityTests : IDisposable
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";
    private const string Parent = $"00-{Trace}-b7ad6b7169203331-01";

    private readonly ConcurrentQueue<Activity> _ended = [];
    private readonly ActivityListener _listener;

    public ActivityTests()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is HubActivities.SourceName or "Microsoft.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                if (activity.Source.Name == HubActivities.SourceName && activity.TraceId.ToHexString() == Trace) _ended.Enqueue(activity);
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public void Dispose() => _listener.Dispose();

    [Fact]
    public async Task Publish_belongs_to_the_trace_of_its_request_and_has_its_channel_and_count()
    {
        await using var server = await LiveServer.StartAsync();
        Assert.Equal(200, (await AskAsync(server, HttpMethod.Post, "/pub", """[{"channel":"a","msg":"secret"},{"channel":"a","msg":"n"}]""")).Status);
        var publish = Assert.Single(_ended);
        Assert.Equal(("publish", ActivityKind.Producer, ActivityStatusCode.Unset), (publish.OperationName, publish.Kind, publish.Status));
        Assert.Equal(("a", 2), (publish.GetTagItem("messaging.destination.name"), publish.GetTagItem("messaging.batch.message_count")));
        Assert.DoesNotContain(publish.TagObjects, tag => $"{tag.Value}".Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Subscription_ends_when_the_subscriber_begins_to_wait()
    {
        await using var server = await LiveServer.StartAsync();
        using var client = await RawHttp.ConnectAsync(server.Port);
        await client.SendAsync($"GET /sse?channel=a HTTP/1.1\r\nHost: localhost\r\ntraceparent: {Parent}\r\n\r\n");
        await Eventually.TrueAsync(() => server.Hub.Find("a")?.Waiting == 1, "It waits");
        var subscribe = Assert.Single(_ended);
        Assert.Equal(("subscribe", "sse", "a"), (subscribe.OperationName, subscribe.GetTagItem("ccomet.transport"), subscribe.GetTagItem("messaging.destination.name")));
    }

    [Fact]
    public async Task Refused_publish_has_its_error()
    {
        await using var server = await LiveServer.StartAsync("CComet:Limits:PublishesPerSecondPerChannel=1");
        var status = 200;
        for (var i = 0; i < 100 && status == 200; i++) status = (await AskAsync(server, HttpMethod.Post, "/pub", """{"channel":"a","msg":"m"}""")).Status;
        Assert.Equal(429, status);
        Assert.Equal((ActivityStatusCode.Error, nameof(LimitException)), (_ended.Last().Status, _ended.Last().GetTagItem("error.type")));
    }

    private static Task<Answer> AskAsync(LiveServer server, HttpMethod method, string path, string body) =>
        server.Http.AskAsync(method, path, Asking.Body(body), headers => headers.TryAddWithoutValidation("traceparent", Parent));
}
