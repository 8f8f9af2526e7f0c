namespace CComet.Dialects.Native;

/// <summary>The answer to a probe as JSON.</summary>
internal static class HealthJson
{
    /// <summary>Encodes a status, the bounds that are met, if any, and a newline.</summary>
    public static byte[] EncodeLine(string status, IReadOnlyList<string> limits) => NativeJson.EncodeObjectLine(json =>
    {
        json.WriteString("status", status);
        if (limits.Count == 0) return;
        json.WriteStartArray("limits");
        foreach (var limit in limits) json.WriteStringValue(limit);
        json.WriteEndArray();
    });
}
