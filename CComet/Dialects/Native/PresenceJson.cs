using System.Text.Json;
using CComet.Storage;

namespace CComet.Dialects.Native;

/// <summary>Who is in a channel, as a JSON object.</summary>
internal static class PresenceJson
{
    /// <summary>Encodes the users of a channel, those that came first before the others; without them where only their number was asked for.</summary>
    public static byte[] Encode(string channel, MemberList list, bool withUsers) => NativeJson.EncodeObject(json => Write(json, channel, list, withUsers));

    /// <summary>Encodes the same and a newline.</summary>
    public static byte[] EncodeLine(string channel, MemberList list, bool withUsers) => NativeJson.EncodeObjectLine(json => Write(json, channel, list, withUsers));

    private static void Write(Utf8JsonWriter json, string channel, MemberList list, bool withUsers)
    {
        json.WriteString("channel", channel);
        json.WriteString("epoch", list.Head.Epoch);
        json.WriteNumber("seqid", list.Head.End);
        json.WriteNumber("count", list.Count);
        if (!withUsers) return;
        json.WriteStartArray("users");
        foreach (var member in list.Members.OrderBy(member => member.Since).ThenBy(member => member.Name, StringComparer.Ordinal))
        {
            json.WriteStartObject();
            json.WriteString("user", member.Name);
            json.WriteNumber("since", member.Since);
            if (!member.Info.IsEmpty)
            {
                json.WritePropertyName("info");
                json.WriteRawValue(member.Info.Span, skipInputValidation: true);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
