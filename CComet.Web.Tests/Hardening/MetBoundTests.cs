using System.Diagnostics.Metrics;
using CComet.Access;
using CComet.Diagnostics;
using CComet.Limits;
using CComet.Messages;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Hardening;

/// <summary>An operator sees which bound is met: in the log, in a metric and at <c>/health/ready</c>.</summary>
public sealed class MetBoundTests
{
    [Fact]
    public async Task Ready_stays_200_and_names_the_bounds_that_refused_a_request_within_the_last_minute()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var factory = new CCometFactory(time, "CComet:Limits:Subscribers=1", "CComet:Limits:SubscribersPerChannel=1");
        using var http = factory.CreateClient();
        Assert.False((await http.AskAsync("/health/ready")).Json.TryGetProperty("limits", out _));
        using (await factory.Operations.SubscribeAsync(CallerContext.Local, [new ChannelStart("c", Cursor.None)], null))
            (await http.PeekAsync("c")).AssertProblem(429, "channel");

        var ready = await http.AskAsync("/health/ready");
        Assert.Equal(200, ready.Status);
        Assert.Equal("ready", ready.Json.GetProperty("status").GetString());
        Assert.Equal(["Limits:Subscribers"], ready.Json.GetProperty("limits").EnumerateArray().Select(l => l.GetString()));
        time.Advance(LimitMonitor.Interval);
        Assert.False((await http.AskAsync("/health/ready")).Json.TryGetProperty("limits", out _));
    }

    [Fact]
    public void Log_has_one_line_a_minute_for_each_bound_and_the_metric_counts_every_refusal()
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var time = new FakeTimeProvider();
        var log = new LineLog();
        var metrics = new HubMetrics(services.GetRequiredService<IMeterFactory>());
        var monitor = new LimitMonitor(metrics, time, log);
        for (var i = 0; i < 1_000; i++)
        {
            monitor.Refuse("Limits:A", isGlobal: true, "channel", "is full.");
            monitor.Refuse("Limits:B", isGlobal: false, "channel", "is full.");
            monitor.Evicted("Limits:A");
        }

        Assert.Equal(3, log.Lines.Count);
        Assert.Equal(["Limits:A"], monitor.Met);
        time.Advance(LimitMonitor.Interval);
        Assert.Empty(monitor.Met);
        monitor.Refused(new LimitException("channel", "channel: is full.", TimeSpan.FromSeconds(5), "Limits:A", isGlobal: true));
        Assert.Equal(4, log.Lines.Count);
        Assert.StartsWith("Warning CComet:Limits:A is met", log.Lines[^1], StringComparison.Ordinal);
        var counts = Counts.Read(services);
        Assert.Equal((1_001, 1_000, 1_000), (counts["ccomet.limit.refused bound=Limits:A"], counts["ccomet.limit.refused bound=Limits:B"], counts["ccomet.limit.evicted bound=Limits:A"]));
    }

    [Fact]
    public async Task Refusal_of_the_store_is_noted_as_the_hubs_own_are()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        var store = new RoomyStore(time) { Failure = new LimitException("channel", "channel: is full.", TimeSpan.FromSeconds(5), "History:TotalBytes", isGlobal: true) };
        using var fixture = new HubFixture(store: store, time: time);
        await Assert.ThrowsAsync<LimitException>(() => fixture.PublishAsync("c", "m"));
        Assert.Equal(["History:TotalBytes"], fixture.Hub.Context.Limits.Met);
    }

    private sealed class LineLog : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Lines.Add($"{logLevel} {formatter(state, exception)}");
    }
}
