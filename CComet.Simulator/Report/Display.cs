using CComet.Simulator.Figures;
using CComet.Simulator.Scenarios;
using Spectre.Console;

namespace CComet.Simulator.Report;

/// <summary>Shows how a run goes while it goes: redrawn on a terminal, a line a second elsewhere, nothing with <c>--json</c>.</summary>
internal abstract class Display(Run run) : IAsyncDisposable
{
    protected Run Run { get; } = run;

    public static Display For(Run run, Settings settings, TextWriter output)
    {
        if (settings.Json) return new Silent(run);
        return ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected ? new LiveDisplayPanel(run) : new Lines(run, output);
    }

    /// <summary>Takes the newest sample; called twice a second, by one thread at a time.</summary>
    public abstract void Show(Sample sample);

    public virtual ValueTask DisposeAsync() => default;

    /// <summary>What is worth a look, each with its name.</summary>
    protected IReadOnlyList<Fact> Look(Sample sample)
    {
        var delivery = LatencyFigures.Create(Run.Shared.Meter.DeliveryTimes()) ?? LatencyFigures.Create(Run.Shared.Meter.PublishTimes());
        var promise = Run.Shared.Promise;
        return
        [
            new("phase", Run.Phase),
            new("subscribers", $"{Units.Count(sample.Settled)}/{Units.Count(Run.Settings.Subscribers)}"),
            new("deliveries/s", Units.Count(Math.Round(sample.DeliveriesPerSecond))),
            new("published", Units.Count(Run.Shared.Meter.Acks)),
            new("p50", delivery is null ? "-" : Units.Time(delivery.P50)),
            new("p99", delivery is null ? "-" : Units.Time(delivery.P99)),
            new("errors", Units.Count(Run.Shared.Lines.ErrorCount)),
            new("breaches", Units.Count(promise.Lost + promise.Repeated + promise.OutOfOrder + promise.Inconsistent)),
        ];
    }

    private sealed class Silent(Run run) : Display(run)
    {
        public override void Show(Sample sample)
        {
            // One JSON object, and nothing else.
        }
    }

    private sealed class Lines(Run run, TextWriter output) : Display(run)
    {
        private bool _skip;

        public override void Show(Sample sample)
        {
            if (!_skip) output.WriteLine($"{sample.Seconds,6:0.0} s  {string.Join("  ", Look(sample).Select(f => $"{f.Name} {f.Value}"))}");
            _skip = !_skip;
        }
    }

    private sealed class LiveDisplayPanel : Display
    {
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Table _table = new() { Border = TableBorder.Rounded, Width = 44 };
        private readonly Task _drawing;
        private LiveDisplayContext? _context;

        public LiveDisplayPanel(Run run)
            : base(run)
        {
            _table.AddColumns("", "now");
            _drawing = AnsiConsole.Live(_table).AutoClear(true).StartAsync(async context =>
            {
                _context = context;
                await _ended.Task;
            });
        }

        public override void Show(Sample sample)
        {
            _table.Rows.Clear();
            foreach (var fact in Look(sample)) _table.AddRow(Markup.Escape(fact.Name), Markup.Escape(fact.Value));
            _context?.Refresh();
        }

        public override async ValueTask DisposeAsync()
        {
            _ended.TrySetResult();
            await _drawing;
            await base.DisposeAsync();
        }
    }
}
