using CComet.Messages;
using CComet.Subscriptions;

namespace CComet.Transports;

/// <summary>Encodes what a subscriber is told, each as one JSON object in UTF-8. A dialect implements it; a transport frames what it returns.</summary>
/// <remarks>One instance for each dialect: a batch finds its encodings by the instance (<see cref="BatchForms"/>).</remarks>
internal interface IMessageEncoder
{
    /// <summary>Encodes a message. What it returns is shared and must not be written to.</summary>
    ReadOnlyMemory<byte> Encode(Message message);

    /// <summary>Encodes a notice.</summary>
    byte[] Encode(Notice notice);

    /// <summary>Encodes a refusal.</summary>
    byte[] EncodeRefusal(int code, string reason);

    /// <summary>Encodes a refusal as the data of an event, for a client that reads no status.</summary>
    byte[] EncodeEventRefusal(int code, string reason);

    /// <summary>Encodes a ticket, and until when it opens, in Unix milliseconds.</summary>
    byte[] EncodeTicket(string ticket, long expires);

    /// <summary>Encodes the last element for a subscriber whose sname a newer one took.</summary>
    byte[] EncodeReplacement(Subscriber subscriber);
}
