using Microsoft.Extensions.Options;
using Serilog;
using Serilog.Events;

namespace CComet.Web.Hosting;

/// <summary>The log: Serilog's, by the section <c>Serilog</c>, behind a queue.</summary>
internal static class Logs
{
    private const string Section = "Serilog";

    /// <summary>The keys of the section that name sinks.</summary>
    private static readonly string[] Sinks = ["WriteTo", "AuditTo"];

    /// <summary>The keys of the section for what is done before a line comes to the sinks.</summary>
    private static readonly string[] BeforeSinks = ["MinimumLevel", "Enrich", "Filter", "Properties"];

    /// <summary>
    /// Logs by the <c>Serilog</c> section. Whatever sinks it names are behind the queue. The host's own diagnostics are off unless it
    /// asks for them: as long as they may write anything, every waiting request holds a scope and an activity.
    /// </summary>
    public static void AddLogs(this WebApplicationBuilder builder)
    {
        builder.Services.AddSerilog(
            (services, logs) => logs
                .MinimumLevel.Override("Microsoft.AspNetCore.Hosting.Diagnostics", LevelAlias.Off)

                // Data Protection warns of keys that are kept without encryption: that the store is closed to others is what protects them,
                // as docs/operations.md says. It logs each reading that fails, with its stack; KeyRing logs the first one, in one line.
                .MinimumLevel.Override("Microsoft.AspNetCore.DataProtection", LogEventLevel.Error)
                .MinimumLevel.Override("Microsoft.AspNetCore.DataProtection.KeyManagement.KeyRingProvider", LevelAlias.Off)
                .Filter.ByExcluding(StartFailure.IsToldTwice)
                .Filter.ByExcluding(LogSecrecy.IsLeftOut)
                .Enrich.With(new LogSecrecy())
                .ReadFrom.Configuration(Without(builder.Configuration, Sinks))
                .WriteTo.Sink(QueueOf(
                    builder.Configuration,
                    new LineLimiter(() => services.GetRequiredService<IOptions<HubOptions>>().Value.Limits.LogLinesPerSecond, TimeProvider.System))),
            preserveStaticLogger: true);
        var serilog = builder.Services.Last(service => service.ServiceType == typeof(ILoggerFactory)).ImplementationFactory!;
        builder.Services.AddSingleton<ILoggerFactory>(services => new NoScopeLoggerFactory((ILoggerFactory)serilog(services)));
    }

    /// <summary>Makes the queue in front of the sinks that the section names.</summary>
    internal static LogQueue QueueOf(IConfiguration configuration, LineLimiter limiter)
    {
        // Levels, filters and enrichers have been applied when a line comes here.
        var sinks = new LoggerConfiguration().ReadFrom.Configuration(Without(configuration, BeforeSinks)).MinimumLevel.Verbose();
        return new LogQueue(sinks.CreateLogger(), limiter);
    }

    /// <summary>Copies the section without some of its keys.</summary>
    private static IConfiguration Without(IConfiguration configuration, string[] keys) => new ConfigurationBuilder()
        .AddInMemoryCollection(configuration.GetSection(Section).AsEnumerable().Where(pair =>
            !keys.Any(key => pair.Key.Split(ConfigurationPath.KeyDelimiter) is [_, var first, ..] && first.Equals(key, StringComparison.OrdinalIgnoreCase))))
        .Build();
}
