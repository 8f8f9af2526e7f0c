using CComet.Subscriptions;

namespace CComet.Dialects.Native;

/// <summary>The last element for a subscriber whose sname a newer one took, as a JSON object.</summary>
internal static class ReplacementJson
{
    /// <summary>Encodes it, in UTF-8. Its seqid lets the client of 2014, which counts on from whatever it is answered, keep its place.</summary>
    public static byte[] Encode(Subscriber subscriber) => NativeJson.EncodeObject(json =>
    {
        var (channel, cursor) = subscriber.Cursors.First();
        json.WriteString("type", "409");
        json.WriteString("reason", "sname: a newer request of this channel and sname took this one's place.");
        json.WriteString("channel", channel);
        json.WriteString("sname", subscriber.Sname);
        json.WriteNumber("seqid", cursor.Seqid!.Value - 1);
    });
}
