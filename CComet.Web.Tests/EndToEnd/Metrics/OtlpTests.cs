using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.EndToEnd.Metrics;

/// <summary>Metrics and traces by OTLP, where a collector is named; and nothing of it elsewhere.</summary>
public sealed class OtlpTests
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string HttpProtobuf = "http/protobuf";

    /// <param name="protocol">The variable's value; null where it is not set, which means gRPC.</param>
    [Theory]
    [InlineData(null)]
    [InlineData("grpc")]
    [InlineData(HttpProtobuf)]
    public async Task Collector_that_is_named_gets_metrics_and_traces_and_no_secret(string? protocol)
    {
        await using var collector = await OtlpCollector.StartAsync(isGrpc: protocol != HttpProtobuf);
        await using var server = StartWith(collector, protocol, ("OTEL_SERVICE_NAME", "push-7"));
        using var http = await server.ClientAsync();
        using var follower = await Follower.OpenAsync("/sse", http.BaseAddress!.Port, "channel=room");
        Assert.Equal(200, (await http.AskAsync("/pub?channel=room&msg=what-ann-says&ticket=what-opens")).Status);
        Assert.Equal("what-ann-says", (await follower.ElementAsync()).GetProperty("msg").GetString());
        Assert.Equal(200, (await http.AskAsync("/sub?channel=room&seqid=0&wait=0&ticket=what-opens")).Status);
        foreach (var name in (string[])["ccomet.published", "ccomet.subscribers", "ccomet.delivery.lag", "ccomet.store.append.duration", "http.server.request.duration", "dotnet.gc.collections", "push-7"])
            await Eventually.TrueAsync(() => collector.HasMetrics(name), $"{name} is sent");
        foreach (var name in (string[])["publish", "subscribe", "ccomet.transport", "room", "url.path"])
            await Eventually.TrueAsync(() => collector.HasTraces(name), $"{name} is sent");
        Assert.NotEmpty(Loaded(server));
        server.Terminate();
        Assert.Equal(0, await server.ExitAsync());
        Assert.Empty(collector.Refused);
        foreach (var secret in (string[])["what-ann-says", "what-opens"]) Assert.False(collector.Has(secret), $"{secret} is sent.");
    }

    [Fact]
    public async Task One_of_the_two_can_be_left_out()
    {
        await using var collector = await OtlpCollector.StartAsync(isGrpc: false);
        await using var server = StartWith(collector, HttpProtobuf, ("OTEL_TRACES_EXPORTER", "none"));
        using var http = await server.ClientAsync();
        Assert.Equal(200, (await http.AskAsync("/pub?channel=room&msg=m")).Status);
        await Eventually.TrueAsync(() => collector.HasMetrics("ccomet.published"), "Metrics are sent");

        // What is left is sent before the process ends.
        server.Terminate();
        Assert.Equal(0, await server.ExitAsync());
        Assert.False(collector.HasTraces(""));
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
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL", "http")]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector")]
    [InlineData("OTEL_TRACES_SAMPLER", "sometimes")]
    [InlineData("OTEL_METRIC_EXPORT_INTERVAL", "1s")]
    [InlineData("OTEL_BSP_SCHEDULE_DELAY", "0")]
    public async Task Variable_that_means_nothing_ends_the_start_with_its_name(string name, string value)
    {
        await using var server = ServerProcess.StartWith(new Dictionary<string, string> { [Endpoint] = "http://127.0.0.1:4317", [name] = value }, "--CComet:Auth:Mode=Open");
        Assert.Equal(1, await server.ExitAsync());
        await Eventually.TrueAsync(() => server.Errors.Any(line => line.Contains($"{name}: '{value}'", StringComparison.Ordinal)), "The line names it");
    }

    /// <summary>Starts a server that sends to a collector ten times a second.</summary>
    private static ServerProcess StartWith(OtlpCollector collector, string? protocol, (string Name, string Value) variable)
    {
        var environment = new Dictionary<string, string> { [Endpoint] = collector.Url, ["OTEL_METRIC_EXPORT_INTERVAL"] = "100", ["OTEL_BSP_SCHEDULE_DELAY"] = "100", [variable.Name] = variable.Value };
        if (protocol is not null) environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol;
        return ServerProcess.StartWith(environment, "--CComet:Auth:Mode=Open");
    }

    /// <summary>The assemblies of OpenTelemetry that a process has loaded.</summary>
    private static List<string> Loaded(ServerProcess server) => [.. File.ReadLines($"/proc/{server.Id}/maps").Where(line => line.Contains("OpenTelemetry", StringComparison.Ordinal))];
}
