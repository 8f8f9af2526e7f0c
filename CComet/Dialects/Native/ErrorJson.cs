using System.Text.Json;

namespace CComet.Dialects.Native;

/// <summary>Refusals as JSON.</summary>
internal static class ErrorJson
{
    /// <summary>The content type of a problem.</summary>
    public const string ProblemType = "application/problem+json; charset=utf-8";

    /// <summary>Encodes a refusal as a problem (RFC 9457) and a newline.</summary>
    public static byte[] EncodeProblemLine(WireException error) => NativeJson.EncodeObjectLine(json => WriteProblem(json, error, error.Message));

    /// <summary>Writes the members of a problem.</summary>
    public static void WriteProblem(Utf8JsonWriter json, WireException error, string detail)
    {
        json.WriteString("type", $"urn:ccomet:error:{error.Code}");
        json.WriteString("title", error.Title);
        json.WriteNumber("status", error.Status);
        json.WriteString("detail", detail);
        json.WriteString("code", error.Code);
        if (error.Parameter is not null) json.WriteString("parameter", error.Parameter);
    }

    /// <summary>Encodes a refusal as an element of an array, where there is no HTTP status to tell it by.</summary>
    public static byte[] EncodeElement(WireException error) => NativeJson.EncodeObject(json => Write(json, error));

    /// <summary>Encodes a refusal that no exception tells.</summary>
    public static byte[] EncodeElement(int code, string reason) => NativeJson.EncodeObject(json =>
    {
        json.WriteString("type", code.ToString(System.Globalization.CultureInfo.InvariantCulture));
        json.WriteString("reason", reason);
    });

    /// <summary>Encodes a refusal as the data of an event, for a client that reads no status.</summary>
    public static byte[] EncodeEvent(int code, string reason) => NativeJson.EncodeObject(json =>
    {
        json.WriteNumber("code", code);
        json.WriteString("reason", reason);
    });

    /// <summary>Encodes a refusal as the one element of an array.</summary>
    public static byte[] EncodeArray(WireException error) => NativeJson.EncodeArray([error], Write);

    private static void Write(Utf8JsonWriter json, WireException error)
    {
        json.WriteString("type", error.Code);
        json.WriteString("reason", error.Message);
    }
}
