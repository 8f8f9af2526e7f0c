using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hardening.Fuzz;

/// <summary>What must hold of whatever the server answers.</summary>
internal static class FuzzCheck
{
    /// <summary>An answer is no failure of the server's, and is what its content type says.</summary>
    public static void Answer(FuzzAnswer answer)
    {
        // 505 is the web server's, for a version of HTTP that it does not speak.
        if (answer.Status is < 100 or >= 500 and not 505) throw new InvalidDataException($"The status is {answer.Status}: {Encoding.UTF8.GetString(answer.Body)}");
        if (answer.Body.Length == 0) return;
        if (answer.Type.StartsWith("application/problem+json", StringComparison.Ordinal))
        {
            var problem = JsonLine(answer.Body);
            if (problem.GetProperty("status").GetInt32() != answer.Status || problem.GetProperty("detail").GetString() is not { Length: > 0 }) throw new InvalidDataException($"The problem is {problem}.");
        }
        else if (answer.Type.StartsWith("application/json", StringComparison.Ordinal))
        {
            JsonLine(answer.Body);
        }
        else if (answer.Type.StartsWith("text/javascript", StringComparison.Ordinal) && answer.Body.AsSpan().StartsWith("/**/"u8))
        {
            var text = Encoding.UTF8.GetString(answer.Body);
            var callback = text[4..text.IndexOf('(', StringComparison.Ordinal)];
            Elements(JsonDocument.Parse(JsonpCall.ArgumentOf(text, callback)).RootElement);
        }
    }

    /// <summary>What came over a WebSocket is a handshake's answer and whole frames, of which the last may be cut off; gives the number of text frames and the close code, if any.</summary>
    public static (int Texts, int? CloseCode) Frames(ReadOnlySpan<byte> bytes)
    {
        var (texts, code) = (0, (int?)null);
        while (bytes.Length >= 2)
        {
            var (first, length) = (bytes[0], (long)bytes[1]);
            if (first is not (0x81 or 0x88 or 0x89 or 0x8A) || length > 127) throw new InvalidDataException($"A frame begins {first:X2} {length:X2}.");
            var header = length switch { 126 => 4, 127 => 10, _ => 2 };
            if (bytes.Length < header) break;
            if (header == 4) length = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
            else if (header == 10) length = BinaryPrimitives.ReadInt64BigEndian(bytes[2..]);
            if (bytes.Length - header < length) break;
            var payload = bytes.Slice(header, (int)length);
            bytes = bytes[(header + (int)length)..];
            if (code is not null) throw new InvalidDataException("A frame follows the close.");
            if (first == 0x81)
            {
                Elements(JsonDocument.Parse(payload.ToArray()).RootElement);
                texts++;
            }
            else if (first == 0x88)
            {
                code = payload.Length == 0 ? 1005 : BinaryPrimitives.ReadUInt16BigEndian(payload);
            }
        }

        return (texts, code);
    }

    private static JsonElement JsonLine(byte[] body)
    {
        if (body[^1] != '\n') throw new InvalidDataException("JSON does not end with a newline.");
        var json = JsonDocument.Parse(body).RootElement;
        if (json.ValueKind == JsonValueKind.Array) Elements(json);
        return json;
    }

    private static void Elements(JsonElement array)
    {
        foreach (var element in array.EnumerateArray())
        {
            if (element.GetProperty("type").GetString() is not { Length: > 0 }) throw new InvalidDataException($"An element is {element}.");
        }
    }
}
