using CComet.Simulator.Figures;
using Spectre.Console;

namespace CComet.Simulator.Report;

/// <summary>The figures as a table in the terminal.</summary>
internal static class ResultTable
{
    public static void Write(RunResult result, TextWriter output)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        var table = new Table { Border = TableBorder.None, ShowHeaders = false };
        table.AddColumn(new TableColumn("").NoWrap().PadRight(3));
        table.AddColumn(new TableColumn("").NoWrap());
        table.AddRow($"{result.Scenario} by {result.Transport}", $"seed {result.Seed}");
        Add(table, "", Facts.Work(result));
        if (result.DeliveryMicros is { } delivery) Add(table, "Delivery latency ", Facts.Latency(delivery));
        if (result.PublishMicros is { } publish) Add(table, "Publish latency ", Facts.Latency(publish));
        Add(table, "", Facts.Processes(result));
        Add(table, "", Facts.Connections(result));
        Add(table, "", Facts.Promise(result));
        console.Write(table);
        console.WriteLine();
        if (result.ExitCode == 0) console.WriteLine(Verdict.Format(result));
    }

    private static void Add(Table table, string prefix, IEnumerable<Fact> facts)
    {
        table.AddEmptyRow();
        foreach (var fact in facts) table.AddRow(Markup.Escape(prefix + fact.Name), Markup.Escape(fact.Value));
    }
}
