namespace CComet.Dialects.Native;

/// <summary>Tickets as JSON objects.</summary>
internal static class TicketJson
{
    /// <summary>Encodes the answer to a request for a ticket, and a newline.</summary>
    /// <param name="ticket">The ticket.</param>
    /// <param name="expires">Until when it opens, in Unix milliseconds.</param>
    public static byte[] EncodeLine(string ticket, long expires) => NativeJson.EncodeObjectLine(json =>
    {
        json.WriteString("ticket", ticket);
        json.WriteNumber("expires", expires);
    });

    /// <summary>Encodes a ticket as an element of an array or the data of an event.</summary>
    public static byte[] EncodeElement(string ticket, long expires) => NativeJson.EncodeObject(json =>
    {
        json.WriteString("type", "TICKET");
        json.WriteString("ticket", ticket);
        json.WriteNumber("expires", expires);
    });
}
