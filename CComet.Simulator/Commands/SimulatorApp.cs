using System.CommandLine;
using CComet.Simulator.Figures;
using CComet.Simulator.Report;
using CComet.Simulator.Scenarios;
using CComet.Simulator.Wire;

namespace CComet.Simulator.Commands;

/// <summary>The whole tool, from its arguments to its exit code.</summary>
/// <param name="output">Where results go.</param>
/// <param name="errors">Where the one line goes that says why there are none.</param>
internal sealed class SimulatorApp(TextWriter output, TextWriter errors)
{
    public const int Kept = 0;
    public const int Broken = 1;
    public const int WrongUsage = 2;
    public const int Unreachable = 3;
    public const int BrokenOff = 130;

    public async Task<int> RunAsync(string[] args)
    {
        var root = ScenarioCommands.Build($"CComet.Simulator {string.Join(' ', args)}", RunScenarioAsync);
        var given = root.Parse(args);
        if (given.Errors.Count > 0)
        {
            var unknown = given.UnmatchedTokens.Count > 0 ? $"'{given.UnmatchedTokens[0]}' is not known here; see --help." : null;
            await errors.WriteLineAsync((unknown ?? given.Errors[0].Message).ReplaceLineEndings(" "));
            return WrongUsage;
        }

        return await given.InvokeAsync(new InvocationConfiguration { Output = output, Error = errors, EnableDefaultExceptionHandler = false });
    }

    private async Task<int> RunScenarioAsync(Scenario scenario, Settings settings, CancellationToken cancel)
    {
        try
        {
            var result = await RunToResultAsync(scenario, settings, cancel);
            if (settings.Report is { } file) await File.WriteAllTextAsync(file, ReportPage.Write(result), CancellationToken.None);
            if (settings.Json) await output.WriteLineAsync(JsonOutput.Write(result));
            else ResultTable.Write(result, output);
            if (result.ExitCode != Kept) await errors.WriteLineAsync(Verdict.Format(result));
            return result.ExitCode;
        }
        catch (UsageException e)
        {
            await errors.WriteLineAsync(e.Message);
            return WrongUsage;
        }
        catch (NoServerException e)
        {
            await errors.WriteLineAsync(e.Message);
            return Unreachable;
        }
        catch (OperationCanceledException)
        {
            await errors.WriteLineAsync("Broken off.");
            return BrokenOff;
        }
    }

    private async Task<RunResult> RunToResultAsync(Scenario scenario, Settings settings, CancellationToken cancel)
    {
        CheckReport(settings.Report);
        Preflight.CheckServerPid(settings.ServerPid);
        Preflight.CheckOpenFiles(settings.Subscribers + settings.Publishers, Preflight.OpenFilesLimit());
        var target = await Target.ResolveAsync(settings.Url, settings.OwnsHost);
        await Preflight.CheckReachableAsync(target, cancel);

        var startedAt = DateTimeOffset.UtcNow;
        using var run = new Run(settings, target, cancel);
        using var sampling = new CancellationTokenSource();
        await using var display = Display.For(run, settings, output);
        var sampler = run.Sampler.RunAsync(display.Show, sampling.Token);
        try
        {
            await scenario.RunAsync(run);
        }
        finally
        {
            await run.FinishAsync();
            await sampling.CancelAsync();
            await sampler;
        }

        return ResultOf.Run(scenario.Name, run, startedAt);
    }

    /// <summary>Before the run, as a report that cannot be written is found out too late behind it.</summary>
    private static void CheckReport(string? file)
    {
        if (file is null) return;
        try
        {
            using var probe = File.Open(file, FileMode.OpenOrCreate, FileAccess.Write);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UsageException($"--report: {e.Message}");
        }
    }
}
