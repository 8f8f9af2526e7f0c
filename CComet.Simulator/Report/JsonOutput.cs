using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using CComet.Simulator.Figures;

namespace CComet.Simulator.Report;

/// <summary>Every figure as one line of JSON.</summary>
internal static class JsonOutput
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string Write(RunResult result) => JsonSerializer.Serialize(result, Options);
}
