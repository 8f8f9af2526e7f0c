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
    private const string Otlp = "otlp";

    /// <summary>Adds it.</summary>
    /// <exception cref="StartException">A variable means nothing.</exception>
    public static void AddTelemetry(this WebApplicationBuilder builder)
    {
        var settings = builder.Configuration;
        if (string.IsNullOrEmpty(settings[Endpoint])) return;
        if (!HttpAddress.TryParse(settings[Endpoint], out _))
            throw new StartException($"{Endpoint}: '{settings[Endpoint]}' is no address; it is written http://127.0.0.1:4317.");
        Add(builder.Services, IsOn(settings, MetricsExporter), IsOn(settings, TracesExporter));
    }

    private static bool IsOn(ConfigurationManager settings, string exporter) => settings[exporter] switch
    {
        null or "" or Otlp => true,
        None => false,
        var other => throw new StartException($"{exporter}: '{other}' is neither {Otlp} nor {None}."),
    };

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
