using System.Text.Json;
using CComet.Messages;

namespace CComet.Dialects.Native;

/// <summary>Receipts as a JSON array.</summary>
internal static class ReceiptJson
{
    /// <summary>Encodes receipts, in UTF-8.</summary>
    public static byte[] Encode(IReadOnlyList<Receipt> receipts) => NativeJson.EncodeArray(receipts, Write);

    /// <summary>Encodes receipts and a newline.</summary>
    public static byte[] EncodeLine(IReadOnlyList<Receipt> receipts) => NativeJson.EncodeArrayLine(receipts, Write);

    private static void Write(Utf8JsonWriter json, Receipt receipt)
    {
        json.WriteString("type", "pub");
        json.WriteString("channel", receipt.Channel);
        json.WriteString("epoch", receipt.Epoch);
        json.WriteNumber("seqid", receipt.Seqid);
        if (receipt.Duplicate) json.WriteBoolean("duplicate", true);
    }
}
