using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using StandardWebhooks;

namespace CComet.Web.Tests.Support;

/// <summary>An application that webhooks are posted to: a real Kestrel on a port of 127.0.0.1, which can be stopped and started again, and all that it has taken.</summary>
public sealed class WebhookReceiver : IAsyncDisposable
{
    /// <summary>A secret as settings have it.</summary>
    public const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";

    private readonly int _port = Ports.Take();
    private readonly ConcurrentQueue<WebhookPosted> _posts = [];
    private WebApplication? _app;

    /// <summary>Answers a post; may be replaced at any time.</summary>
    public Func<WebhookPosted, HttpContext, Task> Answer { get; set; } = static (_, _) => Task.CompletedTask;

    /// <summary>Whether posts have to be signed, and lately; not where the server's clock is another.</summary>
    public bool ChecksSignatures { get; set; } = true;

    /// <summary>Where it is.</summary>
    public string Url => $"http://127.0.0.1:{_port}/hook";

    /// <summary>All posts so far, in the order in which they came, also those that were not taken.</summary>
    public IReadOnlyList<WebhookPosted> Posts => [.. _posts];

    /// <summary>The events of the posts that were taken, in their order.</summary>
    public IReadOnlyList<JsonElement> Events => [.. _posts.Where(post => post.IsTaken).SelectMany(post => post.Events)];

    public static async Task<WebhookReceiver> StartAsync()
    {
        var receiver = new WebhookReceiver();
        await receiver.BeginAsync();
        return receiver;
    }

    /// <summary>Starts it, also after <see cref="StopAsync"/>.</summary>
    public async Task BeginAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{_port}");
        _app = builder.Build();
        _app.Run(TakeAsync);
        await _app.StartAsync();
    }

    /// <summary>Stops it: its port takes no connection.</summary>
    public async Task StopAsync()
    {
        if (_app is null) return;
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        _app = null;
    }

    /// <summary>Settings of a webhook to it.</summary>
    public string[] Settings(string channels, params string[] more) =>
        [$"CComet:Hooks:0:Name=app", $"CComet:Hooks:0:Url={Url}", $"CComet:Hooks:0:Channels={channels}", $"CComet:Hooks:0:Secret={Secret}", .. more];

    /// <summary>Waits until it has taken events, each in the order of its log, and returns all of them.</summary>
    public async Task<IReadOnlyList<JsonElement>> TakeAsync(int count, string what = "events")
    {
        await Eventually.TrueAsync(() => Events.Count >= count, $"Taking {count} {what}");
        return Events;
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task TakeAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync();
        var headers = new HeaderDictionary(context.Request.Headers.ToDictionary());
        if (ChecksSignatures) new StandardWebhook(Secret).Verify(body, headers);
        var post = new WebhookPosted(context.Request.Path, headers, body);
        _posts.Enqueue(post);
        await Answer(post, context);
        post.IsTaken = context.Response.StatusCode < 300 && !context.RequestAborted.IsCancellationRequested;
    }
}

/// <summary>A post that came.</summary>
public sealed class WebhookPosted(string path, IHeaderDictionary headers, string body)
{
    public string Path => path;

    public IHeaderDictionary Headers => headers;

    public string Body => body;

    public JsonElement Json { get; } = JsonDocument.Parse(body).RootElement;

    public string Id => headers["webhook-id"].ToString();

    public long Generation => Json.GetProperty("generation").GetInt64();

    public IReadOnlyList<JsonElement> Events => [.. Json.GetProperty("events").EnumerateArray()];

    /// <summary>Whether the answer was that it was taken.</summary>
    public bool IsTaken { get; set; }
}
