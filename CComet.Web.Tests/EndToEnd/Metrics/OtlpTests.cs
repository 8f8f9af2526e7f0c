using System.Collections.Concurrent;
using System.Text;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CComet.Web.Tests.EndToEnd.Metrics;

/// <summary>Metrics and traces by OTLP, where a collector is named; and nothing of it elsewhere.</summary>
public sealed class OtlpTests
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    [Fact]
    public async Task Collector_that_is_named_gets_metrics_and_traces_and_no_secret()
    {
        await using var collector = await Collector.StartAsync();
        await using var server = ServerProcess.StartWith(
            new Dictionary<string, string>
            {
                [Endpoint] = collector.Url,
                ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
                ["OTEL_METRIC_EXPORT_INTERVAL"] = "100",
                ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
                ["OTEL_SERVICE_NAME"] = "push-7",
            },
            "--CComet:Auth:Mode=Open");
        using var http = await server.ClientAsync();
        using var follower = await Follower.OpenAsync("/sse", http.BaseAddress!.Port, "channel=room");
        Assert.Equal(200, (await http.AskAsync("/pub?channel=room&msg=what-ann-says&ticket=what-opens")).Status);
        Assert.Equal("what-ann-says", (await follower.ElementAsync()).GetProperty("msg").GetString());
        Assert.Equal(200, (await http.AskAsync("/sub?channel=room&seqid=0&wait=0&ticket=what-opens")).Status);
        foreach (var name in (string[])["ccomet.published", "ccomet.subscribers", "ccomet.delivery.lag", "ccomet.store.append.duration", "http.server.request.duration", "dotnet.gc.collections", "push-7"])
            await Eventually.TrueAsync(() => collector.Has("/v1/metrics", name), $"{name} is sent");
        foreach (var name in (string[])["publish", "subscribe", "ccomet.transport", "room", "url.path"])
            await Eventually.TrueAsync(() => collector.Has("/v1/traces", name), $"{name} is sent");
        Assert.NotEmpty(Loaded(server));
        server.Terminate();
        Assert.Equal(0, await server.ExitAsync());
        foreach (var secret in (string[])["what-ann-says", "what-opens"]) Assert.False(collector.Has(null, secret), $"{secret} is sent.");
    }

    [Fact]
    public async Task One_of_the_two_can_be_left_out()
    {
        await using var collector = await Collector.StartAsync();
        await using var server = ServerProcess.StartWith(
            new Dictionary<string, string> { [Endpoint] = collector.Url, ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf", ["OTEL_METRIC_EXPORT_INTERVAL"] = "100", ["OTEL_BSP_SCHEDULE_DELAY"] = "100", ["OTEL_TRACES_EXPORTER"] = "none" },
            "--CComet:Auth:Mode=Open");
        using var http = await server.ClientAsync();
        Assert.Equal(200, (await http.AskAsync("/pub?channel=room&msg=m")).Status);
        await Eventually.TrueAsync(() => collector.Has("/v1/metrics", "ccomet.published"), "Metrics are sent");

        // What is left is sent before the process ends.
        server.Terminate();
        Assert.Equal(0, await server.ExitAsync());
        Assert.False(collector.Has("/v1/traces", ""));
    }

    [Fact]
    public async Task Without_a_collector_nothing_of_OpenTelemetry_is_loaded()
    {
        var admin = $"http://127.0.0.1:{Ports.Take()}";
        await using var server = ServerProcess.Start("--CComet:Auth:Mode=Open", $"--CComet:Admin:Urls={admin}");
        using var http = await server.ClientAsync();
        Assert.Equal(200, (await http.AskAsync("/pub?channel=room&msg=m")).Status);
        Assert.Equal(200, (await http.AskAsync($"{admin}/metrics")).Status);
        Assert.Empty(Loaded(server));
    }

    [Theory]
    [InlineData(Endpoint, "collector:4317")]
    [InlineData(Endpoint, "/v1")]
    [InlineData("OTEL_METRICS_EXPORTER", "prometheus")]
    [InlineData("OTEL_TRACES_EXPORTER", "zipkin")]
    public async Task Variable_that_means_nothing_ends_the_start_with_its_name(string name, string value)
    {
        await using var server = ServerProcess.StartWith(new Dictionary<string, string> { [Endpoint] = "http://127.0.0.1:4317", [name] = value }, "--CComet:Auth:Mode=Open");
        Assert.Equal(1, await server.ExitAsync());
        await Eventually.TrueAsync(() => server.Errors.Any(line => line.Contains($"{name}: '{value}'", StringComparison.Ordinal)), "The line names it");
    }

    /// <summary>The assemblies of OpenTelemetry that a process has loaded.</summary>
    private static List<string> Loaded(ServerProcess server) => [.. File.ReadLines($"/proc/{server.Id}/maps").Where(line => line.Contains("OpenTelemetry", StringComparison.Ordinal))];

    /// <summary>A collector that keeps what it is sent.</summary>
    private sealed class Collector : IAsyncDisposable
    {
        private readonly ConcurrentQueue<(string Path, string Body)> _sent = [];
        private readonly WebApplication _app;

        private Collector(WebApplication app) => _app = app;

        public string Url { get; private set; } = "";

        public static async Task<Collector> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            var collector = new Collector(builder.Build());
            collector._app.Run(async context =>
            {
                using var body = new MemoryStream();
                await context.Request.Body.CopyToAsync(body);
                collector._sent.Enqueue((context.Request.Path, Encoding.Latin1.GetString(body.ToArray())));
            });
            await collector._app.StartAsync();
            collector.Url = collector._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
            return collector;
        }

        /// <summary>Whether something was sent that has a text.</summary>
        /// <param name="path">To which path; null for any.</param>
        /// <param name="text">The text.</param>
        public bool Has(string? path, string text) => _sent.Any(sent => (path is null || sent.Path == path) && sent.Body.Contains(text, StringComparison.Ordinal));

        public async ValueTask DisposeAsync() => await _app.DisposeAsync();
    }
}
