using System.Collections.Concurrent;
using CComet.Web.Hosting;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Serilog;
using Serilog.Configuration;
using Serilog.Core;
using Serilog.Events;
using Serilog.Parsing;

namespace CComet.Web.Tests.Hosting;

/// <summary>What the server does with its log when the log's reader has stopped reading.</summary>
public sealed partial class LogQueueTests : IDisposable
{
    private readonly StuckSink _sink = new();

    public void Dispose() => _sink.Dispose();

    [Fact]
    public async Task Lines_that_cannot_be_written_are_dropped_and_counted_once_they_can()
    {
        const int Lines = 3 * LogQueue.Capacity;
        using var queue = Queue();
        for (var i = 0; i < Lines; i++) queue.Emit(Line("Line"));
        Assert.Empty(_sink.Written);

        _sink.Release();
        await Eventually.TrueAsync(() => _sink.Count("Line") + Dropped() == Lines, "Each line is written, or counted among the dropped");
        Assert.InRange(_sink.Count("Line"), LogQueue.Capacity, LogQueue.Capacity + 1);
    }

    private int Dropped() => _sink.Written.Where(line => line.Contains("were dropped", StringComparison.Ordinal)).Sum(line => int.Parse(line.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture));

    [Fact]
    public void End_of_the_process_does_not_wait_for_a_sink_that_is_stuck()
    {
        var queue = Queue();
        queue.Emit(Line("Line"));
        queue.Dispose();
        Assert.Empty(_sink.Written);
        Assert.False(_sink.IsDisposed);
        queue.Emit(Line("Too late"));
        _sink.Release();
    }

    [Fact]
    public void End_of_the_process_writes_the_queued_lines_and_closes_the_sink()
    {
        _sink.Release();
        var queue = Queue();
        for (var i = 0; i < 1_000; i++) queue.Emit(Line("Line"));
        queue.Dispose();
        Assert.Equal(1_000, _sink.Count("Line"));
        Assert.True(_sink.IsDisposed);
    }

    [Fact]
    public void Long_text_in_a_line_is_cut_and_its_length_told()
    {
        _sink.Release();
        using (var queue = Queue()) queue.Emit(Line("Path {Path}", new LogEventProperty("Path", new ScalarValue(new string('a', 200_000)))));
        var line = Assert.Single(_sink.Written);
        Assert.EndsWith("a…[200000]", line, StringComparison.Ordinal);
        Assert.InRange(line.Length, LogQueue.MaxTextLength, LogQueue.MaxTextLength + 50);
    }

    [Fact]
    public async Task Lines_left_out_by_the_limiter_are_told_by_number_and_kind()
    {
        _sink.Release();
        var time = new FakeTimeProvider();
        using var queue = Queue(perSecond: 2, time);
        for (var i = 0; i < 12; i++) queue.Emit(Line("Refused {Status}", new LogEventProperty("Status", new ScalarValue(400))));

        // The number is told between two lines that are written, once the second is over.
        await Eventually.TrueAsync(() => _sink.Count("Refused 400") == 2, "The lines that pass");
        time.Advance(TimeSpan.FromSeconds(1));
        await Eventually.TrueAsync(() => _sink.Count("more lines of this kind") > 0, "The number of lines left out");
        Assert.Equal(2, _sink.Count("Refused 400"));
        Assert.Equal("10 more lines of this kind were left out: Refused {Status} 400", _sink.Written.Last());
    }

    [Fact]
    public async Task Sink_of_the_operators_own_configuration_is_behind_the_queue()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Serilog:Using:0"] = typeof(LogQueueTests).Assembly.GetName().Name,
            ["Serilog:writeTo:0:Name"] = nameof(StuckSinkConfiguration.Stuck),
            ["Serilog:MinimumLevel:Default"] = "Warning",
            ["Serilog:MinimumLevel:Override:Talkative"] = "Debug",
        });
        builder.AddLogs();
        var sink = StuckSinkConfiguration.Sink = new StuckSink();
        await using (var app = builder.Build())
        {
            var loggers = app.Services.GetRequiredService<ILoggerFactory>();
            var (quiet, talkative) = (loggers.CreateLogger("Quiet"), loggers.CreateLogger("Talkative"));
            LogAt(quiet, LogLevel.Information, "Below the level");
            LogAt(quiet, LogLevel.Warning, "Not below it");
            LogAt(talkative, LogLevel.Debug, "By its own level");
            Assert.Empty(sink.Written);
            sink.Release();
        }

        Assert.Equal(["Not below it", "By its own level"], sink.Written);
        Assert.True(sink.IsDisposed);
    }

    private static LogEvent Line(string text, params LogEventProperty[] properties) =>
        new(DateTimeOffset.UnixEpoch, LogEventLevel.Information, null, new MessageTemplateParser().Parse(text), properties);

    [LoggerMessage(Message = "{Text}")]
    private static partial void LogAt(Microsoft.Extensions.Logging.ILogger logger, LogLevel level, string text);

    private LogQueue Queue(int perSecond = int.MaxValue, TimeProvider? time = null) => new(_sink, new LineLimiter(() => perSecond, time ?? TimeProvider.System));
}

/// <summary>A sink whose every write waits until the test lets it go on.</summary>
public sealed class StuckSink : ILogEventSink, IDisposable
{
    private readonly ManualResetEventSlim _released = new();
    private readonly ConcurrentQueue<string> _written = [];

    public IReadOnlyCollection<string> Written => _written;

    public bool IsDisposed { get; private set; }

    public int Count(string text) => _written.Count(line => line.Contains(text, StringComparison.Ordinal));

    public void Release() => _released.Set();

    public void Emit(LogEvent logEvent)
    {
        _released.Wait();
        _written.Enqueue(logEvent.RenderMessage(System.Globalization.CultureInfo.InvariantCulture).Replace("\"", "", StringComparison.Ordinal));
    }

    public void Dispose() => IsDisposed = true;
}

/// <summary>What the configuration calls by its name.</summary>
public static class StuckSinkConfiguration
{
    public static StuckSink Sink { get; set; } = new();

    public static LoggerConfiguration Stuck(this LoggerSinkConfiguration sinks)
    {
        ArgumentNullException.ThrowIfNull(sinks);
        return sinks.Sink(Sink);
    }
}
