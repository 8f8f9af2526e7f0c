using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace CComet.Bench;

/// <summary>
/// Publishes by HTTP, as many as the connections allow, on each store in turn, several rounds: what a store costs, and what
/// publishers that share a commit gain.
/// </summary>
internal sealed class StoreBench(string root)
{
    private const int Rounds = 3;
    private const string Duration = "4s";

    private static readonly int[] Connections = [1, 16, 128];
    private static readonly string[] Stores = ["Memory", "Sqlite Normal", "Sqlite Full", "Redis"];

    private readonly Dictionary<(string Store, int Connections), List<(double Rate, double PerCommit)>> _results = [];

    public async Task RunAsync()
    {
        for (var round = 1; round <= Rounds; round++)
        {
            foreach (var connections in Connections)
            {
                foreach (var store in Stores)
                {
                    var result = await MeasureAsync(store, connections);
                    if (!_results.TryGetValue((store, connections), out var list)) _results[(store, connections)] = list = [];
                    list.Add(result);
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"round {round}, {connections,3} publishers, {store,-13}: {result.Rate,7:F0} publishes/s{(result.PerCommit > 0 ? $", {result.PerCommit:F1} a commit" : "")}"));
                }
            }
        }

        Console.WriteLine();
        Console.WriteLine("| store | " + string.Join(" | ", Connections.Select(c => $"{c} publishers")) + " |");
        Console.WriteLine("|---|" + string.Concat(Connections.Select(_ => "---|")));
        foreach (var store in Stores) Console.WriteLine($"| {store} | " + string.Join(" | ", Connections.Select(c => Cell(_results[(store, c)], _results[("Memory", c)]))) + " |");
    }

    /// <summary>The median with its bounds, beside memory's.</summary>
    private static string Cell(List<(double Rate, double PerCommit)> results, List<(double Rate, double PerCommit)> memory)
    {
        var rates = results.Select(r => r.Rate).Order().ToArray();
        var median = rates[rates.Length / 2];
        var ofMemory = memory.Select(r => r.Rate).Order().ElementAt(memory.Count / 2);
        var perCommit = results.Select(r => r.PerCommit).Order().ElementAt(results.Count / 2);
        return string.Create(CultureInfo.InvariantCulture, $"{median:N0}/s ({rates[0]:N0}–{rates[^1]:N0}), {median / ofMemory:F2} × memory{(perCommit > 0 ? $", {perCommit:F1} a commit" : "")}");
    }

    private async Task<(double Rate, double PerCommit)> MeasureAsync(string store, int connections)
    {
        var folder = Directory.CreateTempSubdirectory("ccomet-bench-");
        var kind = store.Split(' ')[0];
        await using var redis = kind == "Redis"
            ? await Server.StartAsync("redis-server", port => ["--port", $"{port}", "--bind", "127.0.0.1", "--dir", folder.FullName, "--save", "", "--appendonly", "yes"])
            : null;
        var database = Path.Combine(folder.FullName, "ccomet.db");
        var dll = Path.Combine(root, "CComet.Web", "bin", "Release", "net10.0", "CComet.Web.dll");
        await using var server = await Server.StartAsync("dotnet", port =>
        [
            dll, $"--urls=http://127.0.0.1:{port}", $"--contentRoot={Path.Combine(root, "CComet.Web")}", "--Serilog:MinimumLevel:Default=Warning",
            $"--CComet:Store:Kind={kind}", $"--CComet:Store:Path={database}", $"--CComet:Store:Durability={(store.EndsWith("Full", StringComparison.Ordinal) ? "Full" : "Normal")}",
            $"--CComet:Store:Redis=127.0.0.1:{redis?.Port}",
        ]);

        // The first run warms everything up; its figures are not used.
        await PublishAsync(server.Port, connections);
        var before = kind == "Sqlite" ? Commits(database) : 0;
        var (rate, published) = await PublishAsync(server.Port, connections);
        var perCommit = kind == "Sqlite" ? published / Math.Max(1.0, Commits(database) - before) : 0;
        await server.DisposeAsync();
        if (redis is not null) await redis.DisposeAsync();
        folder.Delete(recursive: true);
        return (rate, perCommit);
    }

    private async Task<(double Rate, double Published)> PublishAsync(int port, int connections)
    {
        var dll = Path.Combine(root, "CComet.Simulator", "bin", "Release", "net10.0", "CComet.Simulator.dll");
        using var simulator = Process.Start(new ProcessStartInfo("dotnet", [dll, "publish", "--url", $"http://127.0.0.1:{port}", "--connections", $"{connections}", "--duration", Duration, "--channels", "16", "--json"]) { RedirectStandardOutput = true })!;
        var output = await simulator.StandardOutput.ReadToEndAsync();
        await simulator.WaitForExitAsync();
        if (simulator.ExitCode != 0) throw new InvalidOperationException($"The simulator has ended with {simulator.ExitCode}.");
        var json = JsonDocument.Parse(output).RootElement;
        return (json.GetProperty("publishedPerSecond").GetDouble(), json.GetProperty("published").GetDouble());
    }

    private static long Commits(string database)
    {
        using var connection = new SqliteConnection($"Data Source={database};Mode=ReadOnly;Pooling=false");
        connection.Open();
        using var command = new SqliteCommand("SELECT commits FROM store", connection);
        return (long)command.ExecuteScalar()!;
    }
}
