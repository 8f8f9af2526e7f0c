using System.Globalization;
using System.Runtime.CompilerServices;
using CComet.Diagnostics;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace CComet.Web.Hosting;

/// <summary>Sends metrics and traces by OTLP where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> names a collector. All else is set by OpenTelemetry's own variables.</summary>
internal static class Telemetry
{
    /// <summary>The variable that switches it on.</summary>
    public const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private const string MetricsExporter = "OTEL_METRICS_EXPORTER";
    private const string TracesExporter = "OTEL_TRACES_EXPORTER";
    private const string None = "none";

    private static readonly string[] Exporters = ["otlp", None];
    private static readonly string[] Protocols = ["grpc", "http/protobuf"];
    private static readonly string[] Samplers = ["always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"];

    /// <summary>The variables that are one of a few words. OpenTelemetry itself takes another for the default, and says so nowhere.</summary>
    private static readonly (string Name, string[] Words, StringComparer Reads)[] Words =
    [
        (MetricsExporter, Exporters, StringComparer.Ordinal),
        (TracesExporter, Exporters, StringComparer.Ordinal),
        ("OTEL_TRACES_SAMPLER", Samplers, StringComparer.OrdinalIgnoreCase),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", Protocols, StringComparer.Ordinal),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", Protocols, StringComparer.Ordinal),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", Protocols, StringComparer.Ordinal),
    ];

    /// <summary>The variables that are numbers, nearly all of milliseconds.</summary>
    private static readonly string[] Numbers =
    [
        "OTEL_METRIC_EXPORT_INTERVAL", "OTEL_METRIC_EXPORT_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        "OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_EXPORT_TIMEOUT", "OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    ];

    private static readonly string[] Addresses = [Endpoint, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

    /// <summary>Adds it.</summary>
    /// <exception cref="StartException">A variable means nothing.</exception>
    public static void AddTelemetry(this WebApplicationBuilder builder)
    {
        var settings = builder.Configuration;
        if (string.IsNullOrEmpty(settings[Endpoint])) return;
        foreach (var name in Addresses) Check(settings, name, value => HttpAddress.TryParse(value, out _), "is no address; it is written http://127.0.0.1:4317");
        foreach (var (name, words, reads) in Words) Check(settings, name, value => words.Contains(value, reads), $"is none of {string.Join(", ", words)}");
        foreach (var name in Numbers) Check(settings, name, value => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0, "is no whole number above 0");
        Add(builder.Services, settings[MetricsExporter] != None, settings[TracesExporter] != None);
    }

    private static void Check(ConfigurationManager settings, string name, Predicate<string> isGood, string problem)
    {
        if (settings[name] is { Length: > 0 } value && !isGood(value)) throw new StartException($"{name}: '{value}' {problem}.");
    }

    /// <summary>Not inlined, so that nothing of OpenTelemetry is loaded where it is off.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Add(IServiceCollection services, bool hasMetrics, bool hasTraces)
    {
        // The variables come last, so that OTEL_SERVICE_NAME counts.
        var telemetry = services.AddOpenTelemetry().ConfigureResource(resource => resource
            .Clear()
            .AddService("ccomet", serviceVersion: typeof(Telemetry).Assembly.GetName().Version?.ToString(3))
            .AddTelemetrySdk()
            .AddEnvironmentVariableDetector());

        // Not Kestrel's own meter, which would hold something for each connection that it keeps.
        if (hasMetrics) telemetry.WithMetrics(metrics => metrics.AddMeter(HubMetrics.MeterName, "Microsoft.AspNetCore.Hosting", "System.Runtime").AddOtlpExporter());
        if (hasTraces)
        {
            telemetry.WithTracing(traces => traces
                .AddSource(HubActivities.SourceName)
                .AddAspNetCoreInstrumentation(requests => requests.Filter = context => !IsProbe(context.Request.Path))
                .AddOtlpExporter());
        }
    }

    private static bool IsProbe(PathString path) => path.StartsWithSegments("/health") || path == "/metrics";
}
