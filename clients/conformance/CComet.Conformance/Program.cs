using System.Globalization;
using CComet.Conformance.Playing;
using CComet.Conformance.Scenarios;

const string Usage = """
    Plays the scenarios of the CComet client libraries with the adapter of one.

    dotnet run --project clients/conformance/CComet.Conformance -- --adapter "COMMAND" [options]

      --adapter COMMAND     how the adapter is started, in the folder that this is called in
      --scenario NAME       only this scenario; may be repeated
      --transport NAME      only this transport: sse, stream, poll, websocket, jsonp, auto
      --repeat N            the whole run N times, until one fails
      --parallel N          plays at a time, default 6
      --patience SECONDS    the longest that one play may take, default 30
      --scenarios FOLDER    where the scenarios are; default: those of this repository
      --list                tells the scenarios, and plays none

    The exit code is 0 when nothing failed, 1 when something did, and 2 for a wrong call.
    """;

var given = new Dictionary<string, List<string>>();
for (var i = 0; i < args.Length; i++)
{
    if (args[i] is "--help" or "-h")
    {
        Console.WriteLine(Usage);
        return 0;
    }

    var isFlag = args[i] == "--list";
    if (!isFlag && (args[i] is not ("--adapter" or "--scenario" or "--transport" or "--repeat" or "--parallel" or "--patience" or "--scenarios") || i + 1 == args.Length))
        return Wrong($"{args[i]}: is not known, or has no value.");
    if (!given.TryGetValue(args[i], out var values)) given[args[i]] = values = [];
    values.Add(isFlag ? "" : args[++i]);
}

try
{
    var scenarios = ScenarioFiles.Read(One("--scenarios") ?? Default());
    if (given.TryGetValue("--scenario", out var names))
    {
        if (names.Find(name => scenarios.All(s => s.Name != name)) is { } unknown) return Wrong($"--scenario: there is none that is called '{unknown}'.");
        scenarios = [.. scenarios.Where(s => names.Contains(s.Name))];
    }

    if (given.ContainsKey("--list"))
    {
        foreach (var scenario in scenarios) Console.WriteLine($"{scenario.Name} ({string.Join(", ", scenario.Transports)}): {scenario.Protects}");
        return 0;
    }

    if (One("--adapter") is not { } command) return Wrong("--adapter: is missing.");
    if (One("--transport") is { } transport && !scenarios.Any(s => s.Transports.Contains(transport))) return Wrong($"--transport: no scenario is played over '{transport}'.");
    var adapter = Adapter.Parse(command, Environment.CurrentDirectory);
    for (var run = Number("--repeat", 1); run > 0; run--)
    {
        var results = await Suite.RunAsync(scenarios, adapter, One("--transport"), TimeSpan.FromSeconds(Number("--patience", 30)), Number("--parallel", 6));
        Console.Write(Suite.Table(results));
        if (results.Any(r => r.Verdict == Verdict.Failed)) return 1;
    }

    return 0;
}
catch (Exception e) when (e is FormatException or InvalidOperationException or IOException or System.ComponentModel.Win32Exception)
{
    return Wrong(e.Message);
}

string? One(string name) => given.GetValueOrDefault(name)?[^1];

int Number(string name, int otherwise) =>
    One(name) is not { } text ? otherwise : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : throw new FormatException($"{name}: must be a whole number above 0.");

static string Default()
{
    for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
    {
        if (Path.Combine(folder.FullName, "clients", "conformance", "scenarios") is var found && Directory.Exists(found)) return found;
    }

    throw new FormatException("--scenarios: no folder above this program has clients/conformance/scenarios.");
}

static int Wrong(string what)
{
    Console.Error.WriteLine(what);
    Console.Error.WriteLine("--help tells how to call this.");
    return 2;
}
