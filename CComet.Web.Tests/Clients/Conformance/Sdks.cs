using System.Collections.Concurrent;
using CComet.Conformance.Playing;
using CComet.Conformance.Scenarios;
using CComet.Web.Tests.Docs;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Clients.Conformance;

/// <summary>The client libraries that must pass the scenarios, and what each made of them.</summary>
internal static class Sdks
{
    private static readonly ConcurrentDictionary<string, Lazy<Task<IReadOnlyList<Result>>>> Runs = [];

    /// <summary>One line adds an SDK: its column in docs/clients.md, and how its adapter is started in the root of the repository. test.sh builds them.</summary>
    public static IReadOnlyList<(string Name, string Command)> All { get; } =
    [
        ("reference", Reference),
        ("JavaScript", "node --experimental-websocket clients/js/conformance.mjs"),
        (".NET", "dotnet clients/dotnet/CComet.Client.Conformance/bin/Debug/net10.0/CComet.Client.Conformance.dll"),
        ("Java", "java -XX:TieredStopAtLevel=1 -cp clients/java/target/* io.ccomet.conformance.Adapter"),
    ];

    /// <summary>The client that shares nothing with the SDKs.</summary>
    public const string Reference = "/usr/bin/python3 clients/conformance/reference/client.py";

    public static string Folder { get; } = Path.Combine(Documents.Root, "clients", "conformance", "scenarios");

    public static IReadOnlyList<Scenario> Scenarios { get; } = ScenarioFiles.Read(Folder);

    public static Adapter AdapterOf(string command) => Adapter.Parse(command, Documents.Root);

    /// <summary>Plays all scenarios with an SDK, once for all tests that ask.</summary>
    public static Task<IReadOnlyList<Result>> ResultsAsync(string name) =>
        Runs.GetOrAdd(name, _ => new(() => Suite.RunAsync(Scenarios, AdapterOf(All.Single(sdk => sdk.Name == name).Command), patience: Patience.Limit))).Value;
}
