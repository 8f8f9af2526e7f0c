using System.Collections.Concurrent;
using System.Diagnostics;
using Serilog.Core;
using Serilog.Events;
using Serilog.Parsing;

namespace CComet.Web.Hosting;

/// <summary>
/// Hands the lines of the log to the sinks that are configured, on a thread of its own, so that no request and no stop waits for
/// the reader of the log. When the sinks do not keep up, lines are dropped, and their number is told once they do.
/// </summary>
internal sealed class LogQueue : ILogEventSink, IDisposable
{
    /// <summary>How many lines may wait for the sinks.</summary>
    public const int Capacity = 10_000;

    /// <summary>The longest text that one property of a line may have, in characters; what is longer is cut.</summary>
    public const int MaxTextLength = 1_000;

    /// <summary>How long the end of the process waits for lines to be written.</summary>
    public static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(2);

    /// <summary>How often the thread looks whether lines were left out.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private static readonly MessageTemplate Dropped = new MessageTemplateParser().Parse("{Count} lines of the log were dropped: they could not be written as fast as they came");
    private static readonly MessageTemplate Suppressed = new MessageTemplateParser().Parse("{Count} more lines of this kind were left out: {Kind} {Status}");

    private readonly BlockingCollection<LogEvent> _queue = new(Capacity);
    private readonly ILogEventSink _sinks;
    private readonly LineLimiter _limiter;
    private readonly Thread _thread;
    private long _dropped;
    private long _toldAt;
    private int _disposed;

    /// <summary>Starts it.</summary>
    /// <param name="sinks">What writes the lines; disposed with the queue.</param>
    /// <param name="limiter">Which lines are left out.</param>
    public LogQueue(ILogEventSink sinks, LineLimiter limiter)
    {
        (_sinks, _limiter) = (sinks, limiter);
        _thread = new Thread(Write) { IsBackground = true, Name = "Log" };
        _thread.Start();
        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
    }

    /// <summary>Takes a line in; never waits.</summary>
    public void Emit(LogEvent logEvent)
    {
        if (!_limiter.TryPass(logEvent)) return;
        Shorten(logEvent);
        try
        {
            if (!_queue.TryAdd(logEvent)) Interlocked.Increment(ref _dropped);
        }
        catch (InvalidOperationException)
        {
            // The process ends, and nothing more is written.
        }
    }

    /// <summary>Writes the queued lines, as far as they can be written within <see cref="FlushTimeout"/>.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        _queue.CompleteAdding();

        // A sink that is stuck is left alone: to close it would wait for the same write.
        if (_thread.Join(FlushTimeout)) (_sinks as IDisposable)?.Dispose();
    }

    private static void Shorten(LogEvent logEvent)
    {
        List<LogEventProperty>? cut = null;
        foreach (var (name, value) in logEvent.Properties)
        {
            if (value is ScalarValue { Value: string { Length: > MaxTextLength } text })
                (cut ??= []).Add(new LogEventProperty(name, new ScalarValue($"{text.AsSpan(0, MaxTextLength)}…[{text.Length}]")));
        }

        cut?.ForEach(logEvent.AddOrUpdateProperty);
    }

    private static LogEvent Line(LogEventLevel level, MessageTemplate template, params IEnumerable<(string Name, object Value)> properties) =>
        new(DateTimeOffset.Now, level, null, template, properties.Select(p => new LogEventProperty(p.Name, new ScalarValue(p.Value))));

    private void Write()
    {
        while (!_queue.IsCompleted)
        {
            if (_queue.TryTake(out var line, LookInterval)) Write(line);
            if (_queue.Count == 0 || Stopwatch.GetElapsedTime(_toldAt) >= LookInterval) TellWhatIsMissing();
        }
    }

    /// <summary>Comes after a line was written: the sinks work.</summary>
    private void TellWhatIsMissing()
    {
        _toldAt = Stopwatch.GetTimestamp();
        if (Interlocked.Exchange(ref _dropped, 0) is > 0 and var dropped) Write(Line(LogEventLevel.Warning, Dropped, ("Count", dropped)));
        foreach (var left in _limiter.TakeSuppressed(all: _queue.IsAddingCompleted))
            Write(Line(left.Level, Suppressed, ("Count", left.Count), ("Kind", left.Kind), ("Status", left.Status)));
    }

    private void Write(LogEvent line)
    {
        try
        {
            _sinks.Emit(line);
        }
        catch (Exception e)
        {
            // An audit sink throws what it cannot write; there is no caller left to tell.
            Serilog.Debugging.SelfLog.WriteLine("A line of the log could not be written: {0}", e);
        }
    }

    private void OnProcessExit(object? sender, EventArgs e) => Dispose();
}
