using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CComet.Web.Tests.Support;

/// <summary>An application that is asked who may do what: a real Kestrel on a free port of 127.0.0.1, and what it was asked.</summary>
public sealed class HookApplication : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<(JsonElement Question, IHeaderDictionary Headers)> _asked = [];

    private HookApplication(WebApplication app) => _app = app;

    /// <summary>Answers a question; may be replaced at any time.</summary>
    public Func<HttpContext, Task> Answer { get; set; } = Saying("""{"allow":true}""");

    /// <summary>The questions so far.</summary>
    public IReadOnlyCollection<JsonElement> Asked => [.. _asked.Select(a => a.Question)];

    /// <summary>The headers of the questions so far.</summary>
    public IReadOnlyCollection<IHeaderDictionary> Headers => [.. _asked.Select(a => a.Headers)];

    /// <summary>The address at which it is asked.</summary>
    public string Url { get; private set; } = "";

    /// <summary>Starts it.</summary>
    public static async Task<HookApplication> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var application = new HookApplication(builder.Build());
        application._app.Run(application.AnswerAsync);
        await application._app.StartAsync();
        application.Url = $"{application._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()}/may";
        return application;
    }

    /// <summary>Makes an answer of a status and a text.</summary>
    public static Func<HttpContext, Task> Saying(string text, int status = StatusCodes.Status200OK) => context =>
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync(text);
    };

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        if (context.Request.Path != "/may" || !HttpMethods.IsPost(context.Request.Method))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        using var question = await JsonDocument.ParseAsync(context.Request.Body);
        var headers = new HeaderDictionary(context.Request.Headers.ToDictionary());
        _asked.Enqueue((question.RootElement.Clone(), headers));
        await Answer(context);
    }
}
