using System.Text;
using CComet.Conformance.Scenarios;

namespace CComet.Conformance.Playing;

/// <summary>Plays scenarios with an SDK's adapter, several at a time.</summary>
public static class Suite
{
    /// <summary>How long an adapter may take to start.</summary>
    public static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(2);

    /// <summary>How long one play may take, once the adapter is ready, before it counts as hung.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Plays all scenarios over all of their transports.</summary>
    /// <param name="scenarios">What is played.</param>
    /// <param name="adapter">The SDK.</param>
    /// <param name="transport">Only this transport; null for all.</param>
    /// <param name="patience">The longest that one play may take; null for <see cref="Patience"/>.</param>
    /// <param name="atATime">How many are played at a time: most of a play is waiting.</param>
    /// <returns>The results, in the order of the scenarios and their transports.</returns>
    /// <exception cref="InvalidOperationException">The adapter cannot be started, or does not tell what it is.</exception>
    public static async Task<IReadOnlyList<Result>> RunAsync(IReadOnlyList<Scenario> scenarios, Adapter adapter, string? transport = null, TimeSpan? patience = null, int atATime = 6)
    {
        var ready = await Player.AskAsync(adapter, StartPatience);
        var features = ready["features"]!.AsArray().Select(feature => feature!.GetValue<string>()).ToHashSet();
        using var places = new SemaphoreSlim(atATime);
        var plays = scenarios.SelectMany(scenario => scenario.Transports.Where(one => transport is null || one == transport).Select(one => PlayAsync(scenario, one)));
        return await Task.WhenAll(plays);

        async Task<Result> PlayAsync(Scenario scenario, string over)
        {
            var missing = scenario.Needs.Concat(over == "auto" ? [] : new[] { over }).Where(feature => !features.Contains(feature)).ToList();
            if (missing.Count > 0) return new Result(scenario, over, Verdict.CannotExpress, string.Join(", ", missing));
            await places.WaitAsync();
            try
            {
                return await Player.PlayAsync(scenario, over, adapter, patience ?? Patience);
            }
            finally
            {
                places.Release();
            }
        }
    }

    /// <summary>Asks an adapter for the name and the features of its SDK.</summary>
    /// <exception cref="InvalidOperationException">It cannot be started, or does not tell.</exception>
    public static async Task<(string Sdk, IReadOnlyList<string> Features)> AskAsync(Adapter adapter)
    {
        var ready = await Player.AskAsync(adapter, StartPatience);
        return (ready["sdk"]?.GetValue<string>() ?? "", [.. ready["features"]!.AsArray().Select(feature => feature!.GetValue<string>())]);
    }

    /// <summary>The results as a table to read, what failed in full below it.</summary>
    public static string Table(IReadOnlyList<Result> results)
    {
        ArgumentNullException.ThrowIfNull(results);
        var text = new StringBuilder();
        var width = results.Count == 0 ? 0 : results.Max(r => r.Scenario.Name.Length);
        foreach (var result in results)
        {
            var verdict = result.Verdict switch { Verdict.Passed => "passed", Verdict.Failed => "FAILED", _ => $"cannot express ({result.Difference})" };
            text.Append(result.Scenario.Name.PadRight(width)).Append("  ").Append(result.Transport.PadRight(9)).Append("  ").Append(verdict).Append('\n');
        }

        foreach (var failed in results.Where(r => r.Verdict == Verdict.Failed))
            text.Append($"\n{failed.Scenario.Name} over {failed.Transport}: {failed.Difference}\n  It protects: {failed.Scenario.Protects}\n{failed.Details}");
        return text.Append($"\n{Summary(results)}\n").ToString();
    }

    /// <summary>The numbers of the results.</summary>
    public static string Summary(IReadOnlyList<Result> results) =>
        $"{results.Count(r => r.Verdict == Verdict.Passed)} passed, {results.Count(r => r.Verdict == Verdict.Failed)} failed, {results.Count(r => r.Verdict == Verdict.CannotExpress)} cannot be expressed";

    /// <summary>The results of several SDKs as a table of Markdown: a row per scenario, a column per SDK.</summary>
    public static string Markdown(IReadOnlyList<Scenario> scenarios, IReadOnlyList<(string Sdk, IReadOnlyList<Result> Results)> sdks)
    {
        ArgumentNullException.ThrowIfNull(scenarios);
        ArgumentNullException.ThrowIfNull(sdks);
        var text = new StringBuilder($"| scenario | {string.Join(" | ", sdks.Select(s => s.Sdk))} | what it protects |\n|---|{string.Concat(sdks.Select(_ => "---|"))}---|\n");
        foreach (var scenario in scenarios)
            text.Append($"| `{scenario.Name}` | {string.Join(" | ", sdks.Select(s => Cell([.. s.Results.Where(r => r.Scenario.Name == scenario.Name)])))} | {scenario.Protects} |\n");
        return text.ToString();
    }

    private static string Cell(IReadOnlyList<Result> results)
    {
        var parts = new List<string>();
        Add("passed", Verdict.Passed);
        Add("**failed**", Verdict.Failed);
        if (parts.Count == 0) parts.Add("cannot express");
        return string.Join("; ", parts);

        void Add(string word, Verdict verdict)
        {
            var over = results.Where(r => r.Verdict == verdict).Select(r => r.Transport).ToList();
            if (over.Count > 0) parts.Add($"{word}: {string.Join(", ", over)}");
        }
    }
}
