using CComet.Web.Tests.EndToEnd.Browser;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace CComet.Web.Tests.Clients.JavaScript;

/// <summary>The modules of the npm package in the workers of Chromium, of another origin than the push server.</summary>
[Collection(Chromium.Client)]
public sealed class WorkerTests(Chromium chromium)
{
    private const string Dedicated = "return new Worker('/worker.js', { type: 'module' })";
    private const string Shared = "const worker = new SharedWorker('/worker.js', { type: 'module' }); return { postMessage: (...told) => worker.port.postMessage(...told) }";
    private const string Service = "await navigator.serviceWorker.register('/worker.js', { type: 'module' }); return (await navigator.serviceWorker.ready).active";

    [Theory]
    [InlineData(Dedicated)]
    [InlineData(Shared)]
    [InlineData(Service)]
    public async Task Worker_follows_and_publishes_on_every_transport_and_is_told_what_cannot_work(string make)
    {
        await using var server = await LiveServer.StartAsync();
        await using var origin = await StartOriginAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.Page.GotoAsync(origin.Urls.Single());
        await browser.Page.EvaluateAsync($$"""
            async () => {
              const worker = await (async () => { {{make}} })();
              globalThis.told = {};
              globalThis.ask = (what, url, name = what) => {
                const { port1, port2 } = new MessageChannel();
                told[name] = [];
                port1.onmessage = ({ data }) => told[name].push(data);
                worker.postMessage({ what, url, name }, [port2]);
              };
            }
            """);

        foreach (var name in (string[])["stream", "poll", "sse", "websocket"])
        {
            await AskAsync("follow", name);
            await ExpectAsync(name, "open");
            await server.PublishAsync(name, "by the test");
            await ExpectAsync(name, "open", "by the test", "by the worker", "closed");
        }

        await AskAsync("follow2014", "class");
        await ExpectAsync("class", "open");
        await server.PublishAsync("class", "by the test");
        await ExpectAsync("class", "open", "by the test", "by the worker", "closed");

        await AskAsync("refusals", "refusals");
        await ExpectAsync(
            "refusals",
            "TypeError: CComet: transport jsonp needs a document; a worker has none.",
            "TypeError: CComet: transport jsonp needs a document; a worker has none.",
            "TypeError: CComet: url must be of http or https (outside a page absolute), not ftp://x.",
            "TypeError: CComet: transport websocket needs a WebSocket, and there is none here.",
            "TypeError: CComet: transport websocket needs a WebSocket, and there is none here.");
        Assert.Empty(browser.Complaints);

        Task AskAsync(string what, string name) => browser.Page.EvaluateAsync("([what, url, name]) => ask(what, url, name)", new[] { what, server.Url, name });

        async Task ExpectAsync(string name, params string[] texts)
        {
            await browser.UntilAsync("([name, count]) => told[name].length >= count", new object[] { name, texts.Length });
            Assert.Equal(texts, await browser.Page.EvaluateAsync<string[]>("name => told[name]", name));
        }
    }

    /// <summary>Starts a web server with a page, the worker's script and the modules. Requests of shared and of service workers cannot be intercepted.</summary>
    private static async Task<WebApplication> StartOriginAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var origin = builder.Build();
        origin.MapGet("/", () => Results.Content("<!doctype html><title>Test</title><link rel=icon href=data:,>", "text/html"));
        origin.MapGet("/worker.js", () => Results.File(Path.Combine(Chromium.Root, "CComet.Web.Tests", "Clients", "JavaScript", "pages", "worker.js"), "text/javascript"));
        foreach (var name in (string[])["index.js", "page.js"]) origin.MapGet($"/{name}", () => Results.File(Path.Combine(JavaScriptPackage.Source, "dist", name), "text/javascript"));
        await origin.StartAsync();
        return origin;
    }
}
