using System.Collections.Concurrent;
using CComet.Diagnostics;
using Microsoft.Extensions.Logging;

namespace CComet.Limits;

/// <summary>Notes which bounds are met: a metric each time, a line in the log at most once a minute for each bound, and readiness says it.</summary>
internal sealed partial class LimitMonitor(HubMetrics metrics, TimeProvider time, ILogger logger)
{
    /// <summary>How often a bound has a line in the log, and for how long readiness names it.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, State> _states = new(StringComparer.Ordinal);

    /// <summary>The bounds on the whole that refused something within the last <see cref="Interval"/>, in the order of their names.</summary>
    public IReadOnlyList<string> Met =>
        [.. _states.Where(s => s.Value.IsGlobal && s.Value.RefusedAt is { } at && time.GetElapsedTime(at) < Interval).Select(s => s.Key).Order(StringComparer.Ordinal)];

    /// <summary>Makes a refusal, and notes it.</summary>
    public LimitException Refuse(string bound, bool isGlobal, string parameter, string what, TimeSpan? retry = null)
    {
        var refusal = new LimitException(parameter, $"{parameter}: {what}", retry ?? LimitException.DefaultRetry, bound, isGlobal);
        Refused(refusal);
        return refusal;
    }

    /// <summary>Notes a refusal that a store has made.</summary>
    public void Refused(LimitException refusal)
    {
        var bound = refusal.Setting ?? "Limits";
        if (Note(bound, refusal.IsGlobal).MayLog(time)) LogRefused(logger, bound);
    }

    /// <summary>Notes that a connection was closed, to which nothing can be said.</summary>
    public void Closed(string bound)
    {
        if (Note(bound, isGlobal: false).MayLog(time)) LogClosed(logger, bound);
    }

    /// <summary>Notes that a bound was kept by dropping what can be read again.</summary>
    public void Evicted(string bound)
    {
        metrics.Evicted(bound);
        if (_states.GetOrAdd($"{bound} (evicted)", static _ => new State()).MayLog(time)) LogEvicted(logger, bound);
    }

    private State Note(string bound, bool isGlobal)
    {
        metrics.Refused(bound);
        var state = _states.GetOrAdd(bound, static _ => new State());
        lock (state)
        {
            state.RefusedAt = time.GetTimestamp();
            state.IsGlobal |= isGlobal;
        }

        return state;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "CComet:{Bound} is met: connections of an address that has as many are closed at once. A proxy in front is to be listed in CComet:Proxies")]
    private static partial void LogClosed(ILogger logger, string bound);

    [LoggerMessage(Level = LogLevel.Warning, Message = "CComet:{Bound} is met: requests are refused with 429")]
    private static partial void LogRefused(ILogger logger, string bound);

    [LoggerMessage(Level = LogLevel.Information, Message = "CComet:{Bound} is met: idle channels leave memory, and are read from the store when they are next asked for")]
    private static partial void LogEvicted(ILogger logger, string bound);

    private sealed class State
    {
        private long? _loggedAt;

        public long? RefusedAt { get; set; }

        public bool IsGlobal { get; set; }

        public bool MayLog(TimeProvider time)
        {
            lock (this)
            {
                if (_loggedAt is { } at && time.GetElapsedTime(at) < Interval) return false;
                _loggedAt = time.GetTimestamp();
                return true;
            }
        }
    }
}
