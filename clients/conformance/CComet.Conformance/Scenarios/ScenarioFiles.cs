using System.Text.Json;
using System.Text.Json.Serialization;

namespace CComet.Conformance.Scenarios;

/// <summary>Reads the scenarios of a folder, each file checked against the schema beside it.</summary>
public static class ScenarioFiles
{
    /// <summary>The schema's own name.</summary>
    public const string SchemaName = "scenario.schema.json";

    private static readonly JsonSerializerOptions Reading = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
    };

    /// <summary>Reads all scenarios, in the order of the files' names and within a file in its own.</summary>
    /// <exception cref="FormatException">A file is not what the schema asks for, or two scenarios have one name. The message names the file and the place.</exception>
    public static IReadOnlyList<Scenario> Read(string folder)
    {
        var schema = SchemaChecker.Read(Path.Combine(folder, SchemaName));
        var scenarios = new List<Scenario>();
        foreach (var path in Paths(folder))
        {
            var errors = Check(schema, path);
            if (errors.Count > 0) throw new FormatException($"{Path.GetFileName(path)} is not what {SchemaName} asks for:\n{string.Join('\n', errors)}");
            using var document = JsonDocument.Parse(File.ReadAllText(path));
            scenarios.AddRange(document.RootElement.GetProperty("scenarios").Deserialize<Scenario[]>(Reading)!);
        }

        if (scenarios.GroupBy(s => s.Name).FirstOrDefault(g => g.Count() > 1) is { } same) throw new FormatException($"{same.Key} is the name of {same.Count()} scenarios.");
        return scenarios;
    }

    /// <summary>The files of scenarios in a folder.</summary>
    public static IReadOnlyList<string> Paths(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*.json").Where(path => Path.GetFileName(path) != SchemaName).Order(StringComparer.Ordinal)];

    /// <summary>What is wrong with a file; empty when nothing is.</summary>
    public static IReadOnlyList<string> Check(SchemaChecker schema, string path)
    {
        ArgumentNullException.ThrowIfNull(schema);
        using var document = JsonDocument.Parse(File.ReadAllText(path));
        return schema.Check(document.RootElement);
    }
}
