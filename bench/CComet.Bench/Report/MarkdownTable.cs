using System.Text;
using CComet.Bench.Workloads;

namespace CComet.Bench.Report;

/// <summary>The results as they stand in the documentation.</summary>
internal static class MarkdownTable
{
    public static string Format(Results results)
    {
        var text = new StringBuilder();
        text.Append($"| workload | figure | {results.First.Name} |");
        foreach (var peer in results.Others) text.Append($" {peer.Name} | ratio |");
        text.AppendLine(" goal |");
        text.AppendLine($"|---|---|---|{string.Concat(results.Others.Select(_ => "---|---|"))}---|");
        foreach (var workload in results.Workloads)
        {
            for (var i = 0; i < workload.Figures.Count; i++)
            {
                var figure = workload.Figures[i];
                if (results.Values(workload, i, results.First) is not { Count: > 0 } own) continue;
                text.Append($"| {(i == 0 ? workload.Title : "")} | {figure.Name} | {Figures.Spread(own)} {figure.Unit} |");
                foreach (var peer in results.Others)
                {
                    var theirs = results.Values(workload, i, peer);
                    text.Append(theirs.Count == 0 ? " | |" : $" {Figures.Spread(theirs)} {figure.Unit} | {Figures.Spread(results.Ratios(workload, i, peer))} × |");
                }

                text.AppendLine($" {string.Join("; ", figure.Goals.Select(goal => Told(results, workload, i, goal)).Where(told => told is not null))} |");
            }
        }

        return text.ToString();
    }

    private static string? Told(Results results, Workload workload, int i, Goal goal)
    {
        var figure = workload.Figures[i];
        IReadOnlyList<double> values;
        if (goal.Peer is null) values = results.Values(workload, i, results.First);
        else if (results.Others.FirstOrDefault(peer => peer.Name == goal.Peer) is { } peer) values = results.Ratios(workload, i, peer);
        else return null;
        if (values.Count == 0) return null;
        var median = Figures.Median(values);
        var isReached = figure.Less ? median <= goal.Limit : median >= goal.Limit;
        return $"{(figure.Less ? "≤" : "≥")} {goal.Limit:#,0.##} {(goal.Peer is null ? figure.Unit : $"× {goal.Peer}")}: {(isReached ? "reached" : "**not reached**")}";
    }
}
