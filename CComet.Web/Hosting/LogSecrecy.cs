using Serilog.Core;
using Serilog.Events;

namespace CComet.Web.Hosting;

/// <summary>Keeps what stands in the query of a request, a ticket or a message, and what a malformed request says, out of every line of the log, at any level.</summary>
/// <remarks>
/// ASP.NET Core logs each request with its query, and Kestrel a malformed line or header of a request as it came, when their categories
/// are asked for. A level can be set for any category by the settings; this holds whatever they say.
/// </remarks>
internal sealed class LogSecrecy : ILogEventEnricher
{
    private const string BadRequests = "Microsoft.AspNetCore.Server.Kestrel.BadRequests";

    private static readonly LogEventProperty NoQuery = new("QueryString", new ScalarValue(""));

    /// <summary>Whether a line is left out: it is Kestrel's about a malformed request, or names a ticket in an address.</summary>
    public static bool IsLeftOut(LogEvent entry) => entry.Properties.Any(property => property.Value is ScalarValue { Value: string text }
        && (property.Key == Constants.SourceContextPropertyName ? text == BadRequests : text.Contains("ticket=", StringComparison.OrdinalIgnoreCase)));

    /// <summary>Empties the query of a line that has one.</summary>
    public void Enrich(LogEvent logEvent, ILogEventPropertyFactory propertyFactory)
    {
        if (logEvent.Properties.ContainsKey(NoQuery.Name)) logEvent.AddOrUpdateProperty(NoQuery);
    }
}
