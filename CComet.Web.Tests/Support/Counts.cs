using System.Diagnostics.Metrics;
using CComet.Diagnostics;
using Microsoft.Extensions.DependencyInjection;

namespace CComet.Web.Tests.Support;

/// <summary>The counts of the meter <c>CComet</c>, read as a collector in the process reads them.</summary>
public static class Counts
{
    /// <summary>Reads all at this moment, named as in <c>ccomet.delivered transport=sse</c>.</summary>
    /// <param name="services">The services whose meter it is.</param>
    public static IReadOnlyDictionary<string, long> Read(IServiceProvider services)
    {
        var factory = services.GetRequiredService<IMeterFactory>();
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == HubMetrics.MeterName && instrument.Meter.Scope == factory) self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, count, tags, _) => counts[string.Join(' ', [instrument.Name, .. tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}")])] = count);
        listener.Start();
        listener.RecordObservableInstruments();
        return counts;
    }
}
