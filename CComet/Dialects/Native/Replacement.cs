using CComet.Messages;
using CComet.Subscriptions;

namespace CComet.Dialects.Native;

/// <summary>The last words to a subscriber whose name a newer one took.</summary>
internal static class Replacement
{
    /// <summary>As a JSON object. Its seqid lets the client of 2014, which counts on from whatever it is answered, keep its place.</summary>
    public static byte[] Json(Subscriber subscriber) => JsonText.ObjectOf(json =>
    {
        var (channel, cursor) = subscriber.Cursors.First();
        json.WriteString("type", "409");
        json.WriteString("reason", "sname: a newer request of this channel and sname took this one's place.");
        json.WriteString("channel", channel);
        json.WriteString("sname", subscriber.Sname);
        json.WriteNumber("seqid", cursor.Seqid!.Value - 1);
    });
}
