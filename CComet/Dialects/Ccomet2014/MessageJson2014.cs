using System.Buffers;
using CComet.Messages;

namespace CComet.Dialects.Ccomet2014;

/// <summary>Messages as the page of 2014 reads them: a text in <c>msg</c> and in <c>sname</c>, which it puts into the page as HTML.</summary>
/// <remarks>It is the native object, and for most messages the same bytes. The page itself escapes <c>&lt;</c> and <c>&gt;</c> of a message, but not of a name.</remarks>
internal static class MessageJson2014
{
    /// <summary>The published messages of a batch joined by commas; nothing where it holds only sign-ins.</summary>
    public static readonly Func<Batch, byte[]> Published = batch =>
    {
        var joined = new ArrayBufferWriter<byte>((int)batch.Bytes + batch.Messages.Count);
        foreach (var message in batch.Messages)
        {
            if (message.Type != MessageType.Msg) continue;
            if (joined.WrittenCount > 0) joined.Write(","u8);
            joined.Write(Encode(message).Span);
        }

        return joined.WrittenSpan.ToArray();
    };

    private static readonly SearchValues<byte> Brackets = SearchValues.Create("<>"u8);

    /// <summary>Encodes a message, in UTF-8.</summary>
    public static ReadOnlyMemory<byte> Encode(Message message)
    {
        var sname = message.Sname.Span;
        var body = message.Body.Span;
        if (body[0] == '"' && sname.Length > 0 && sname.IndexOfAny(Brackets) < 0) return message.Record;

        var record = message.Record.AsSpan();
        var channel = message.Channel.Span;
        record.Overlaps(channel, out var start);
        record.Overlaps(body, out var bodyStart);
        var json = new ArrayBufferWriter<byte>(record.Length + 64);
        json.Write(record[..(start + channel.Length)]);
        json.Write(",\"sname\":"u8);
        if (sname.Length > 0) WriteName(sname, json);
        else json.Write("\"\""u8);
        json.Write(",\"msg\":"u8);
        json.Write(body[0] == '"' ? body : JsonString.Quote(body));
        json.Write(record[(bodyStart + body.Length)..]);
        return json.WrittenMemory;
    }

    private static void WriteName(ReadOnlySpan<byte> name, ArrayBufferWriter<byte> json)
    {
        for (var rest = name; ;)
        {
            var plain = rest.IndexOfAny(Brackets);
            json.Write(plain < 0 ? rest : rest[..plain]);
            if (plain < 0) return;
            json.Write(rest[plain] == '<' ? "&lt;"u8 : "&gt;"u8);
            rest = rest[(plain + 1)..];
        }
    }
}
