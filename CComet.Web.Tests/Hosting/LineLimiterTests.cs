using CComet.Web.Hosting;
using Microsoft.Extensions.Time.Testing;
using Serilog.Events;
using Serilog.Parsing;

namespace CComet.Web.Tests.Hosting;

/// <summary>How many lines a client can make the server log.</summary>
public sealed class LineLimiterTests
{
    private const int PerSecond = 3;
    private const string Request = "HTTP {Path} responded {Status}";

    private static readonly MessageTemplateParser Parser = new();

    private readonly FakeTimeProvider _time = new();
    private readonly LineLimiter _limiter;

    public LineLimiterTests() => _limiter = new LineLimiter(() => PerSecond, _time);

    [Theory]
    [InlineData(LogEventLevel.Information, 400)]
    [InlineData(LogEventLevel.Information, 499)]
    [InlineData(LogEventLevel.Warning, 503)]
    [InlineData(LogEventLevel.Error, 500)]
    [InlineData(LogEventLevel.Warning, null)]
    [InlineData(LogEventLevel.Error, null)]
    public void Failures_of_a_kind_pass_so_often_in_a_second_and_the_others_are_counted(LogEventLevel level, int? status)
    {
        Assert.Equal(PerSecond, Passed(1_000, level, status));
        Assert.Empty(_limiter.TakeSuppressed(all: false));

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([(Request, status ?? 0, level, 1_000 - PerSecond)], _limiter.TakeSuppressed(all: false));
        Assert.Empty(_limiter.TakeSuppressed(all: false));
        Assert.Equal(PerSecond, Passed(PerSecond, level, status));
    }

    [Theory]
    [InlineData(LogEventLevel.Information, 200)]
    [InlineData(LogEventLevel.Debug, null)]
    [InlineData(LogEventLevel.Information, null)]
    public void Line_that_is_no_failure_always_passes(LogEventLevel level, int? status) => Assert.Equal(1_000, Passed(1_000, level, status));

    [Fact]
    public void Kinds_do_not_use_up_each_others_lines()
    {
        Assert.Equal(PerSecond, Passed(10, LogEventLevel.Information, 400));
        Assert.Equal(PerSecond, Passed(10, LogEventLevel.Information, 429));
        Assert.Equal(PerSecond, Passed(10, LogEventLevel.Error, null, "Another text"));
    }

    [Fact]
    public void End_of_the_process_takes_the_counts_of_a_second_that_is_not_over()
    {
        Passed(10, LogEventLevel.Error, 500);
        Assert.Equal(10 - PerSecond, Assert.Single(_limiter.TakeSuppressed(all: true)).Count);
    }

    [Fact]
    public void Texts_that_hold_values_do_not_make_ever_more_kinds()
    {
        var passed = Enumerable.Range(0, 100_000).Sum(i => Passed(1, LogEventLevel.Error, null, $"Failure number {i}"));
        Assert.Equal(LineLimiter.MaxKinds + PerSecond, passed);
    }

    private int Passed(int lines, LogEventLevel level, int? status, string text = Request) =>
        Enumerable.Range(0, lines).Count(_ => _limiter.TryPass(new LogEvent(
            DateTimeOffset.UnixEpoch,
            level,
            null,
            Parser.Parse(text),
            status is null ? [] : [new LogEventProperty("Status", new ScalarValue(status.Value))])));
}
