using CComet.Messages;
using CComet.Subscriptions;
using CComet.Transports;

namespace CComet.Dialects.Native;

/// <summary>Encodes messages, notices and replacements as the JSON of the native dialect.</summary>
internal sealed class NativeEncoder : IMessageEncoder
{
    /// <summary>The forms of a batch in this dialect.</summary>
    public static readonly BatchForms Forms = new(new NativeEncoder());

    private NativeEncoder()
    {
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> Encode(Message message) => MessageJson.Encode(message);

    /// <inheritdoc/>
    public byte[] Encode(Notice notice) => NoticeJson.Encode(notice);

    /// <inheritdoc/>
    public byte[] EncodeRefusal(int code, string reason) => ErrorJson.EncodeElement(code, reason);

    /// <inheritdoc/>
    public byte[] EncodeEventRefusal(int code, string reason) => ErrorJson.EncodeEvent(code, reason);

    /// <inheritdoc/>
    public byte[] EncodeTicket(string ticket, long expires) => TicketJson.EncodeElement(ticket, expires);

    /// <inheritdoc/>
    public byte[] EncodeReplacement(Subscriber subscriber) => ReplacementJson.Encode(subscriber);
}
