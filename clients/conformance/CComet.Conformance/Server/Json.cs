using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CComet.Conformance.Server;

/// <summary>Writes JSON for the wire.</summary>
internal static class Json
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions Ascii = new() { Encoder = JavaScriptEncoder.Default };

    /// <summary>With the fewest escapes, or with all that is not ASCII escaped.</summary>
    public static string Write(JsonNode node, bool ascii = false) => node.ToJsonString(ascii ? Ascii : Plain);

    public static string Array(IEnumerable<Element> elements, bool ascii = false) => $"[{string.Join(',', elements.Select(e => Write(e.Json, ascii)))}]";
}
