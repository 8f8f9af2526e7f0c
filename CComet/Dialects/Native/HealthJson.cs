using System.Text.Json;

namespace CComet.Dialects.Native;

/// <summary>The answer to a probe as JSON.</summary>
internal static class HealthJson
{
    /// <summary>Encodes a status, the bounds that are met, if any, and a newline.</summary>
    public static byte[] EncodeLine(string status, IReadOnlyList<string> limits) => NativeJson.EncodeObjectLine(json =>
    {
        json.WriteString("status", status);
        WriteLimits(json, limits);
    });

    /// <summary>Encodes the problem of a server that is not ready: what fails, the bounds that are met, if any, and a newline.</summary>
    /// <param name="failing">The checks that fail, and why; not empty. The first gives the problem its title.</param>
    /// <param name="limits">The bounds.</param>
    public static byte[] EncodeProblemLine(IReadOnlyList<(string Check, WireException Error)> failing, IReadOnlyList<string> limits) => NativeJson.EncodeObjectLine(json =>
    {
        ErrorJson.WriteProblem(json, failing[0].Error, string.Join(' ', failing.Select(check => check.Error.Message)));
        WriteNames(json, "failing", failing.Select(check => check.Check));
        WriteLimits(json, limits);
    });

    private static void WriteLimits(Utf8JsonWriter json, IReadOnlyList<string> limits)
    {
        if (limits.Count > 0) WriteNames(json, "limits", limits);
    }

    private static void WriteNames(Utf8JsonWriter json, string name, IEnumerable<string> names)
    {
        json.WriteStartArray(name);
        foreach (var text in names) json.WriteStringValue(text);
        json.WriteEndArray();
    }
}
