using CComet.Messages;

namespace CComet.Dialects.Native;

/// <summary>Messages as JSON objects.</summary>
internal static class MessageJson
{
    /// <summary>Encodes a message, in UTF-8: its record is this dialect's object already.</summary>
    public static ReadOnlyMemory<byte> Encode(Message message) => message.Record;
}
