using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using CComet.Channels;
using CComet.Messages;
using CComet.Subscriptions;

namespace CComet.Transports;

/// <summary>Server-sent events. The id of each event is the cursor behind it, so that a browser's own reconnect resumes exactly.</summary>
internal sealed class EventStream : StreamLoop
{
    /// <summary>The content type.</summary>
    public const string ContentType = "text/event-stream; charset=utf-8";

    /// <summary>A browser waits at least this long before it reconnects after a cut, and at most twice as long.</summary>
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    /// <summary>A browser whose name a newer stream took would take it back at once; it is asked to wait this long.</summary>
    private static readonly TimeSpan ReplacedRetry = TimeSpan.FromSeconds(30);

    /// <summary>A browser whose credential was refused would ask again at once, by the same address; it is asked to wait this long.</summary>
    private static readonly TimeSpan RefusedRetry = TimeSpan.FromMinutes(5);

    /// <summary>Of several channels: the cursor in each, as it was told. An id is of all of them.</summary>
    private readonly Cursor[]? _told;
    private readonly BatchForms _forms;
    private int _idBytes;
    private long _sinceId;
    private long _ticketAt;

    /// <summary>A stream to the subscriber, which has begun.</summary>
    public EventStream(PipeWriter output, Socket? socket, Subscriber subscriber, IStreamRequest request, BatchForms forms)
        : base(output, socket, subscriber, request)
    {
        _forms = forms;
        if (subscriber.Channels > 1) _told = [.. subscriber.Cursors.Select(p => p.Cursor)];
    }

    /// <summary>Writes what a stream begins with: when to reconnect after a cut, the cursor, and until when its grant holds, if that ends.</summary>
    /// <param name="output">The wire.</param>
    /// <param name="cursor">The cursor.</param>
    /// <param name="grantEnds">The notice that tells of the grant's end; null for none.</param>
    public static void WriteStart(IBufferWriter<byte> output, string cursor, byte[]? grantEnds)
    {
        WriteRetry(output);
        output.Put(cursor);
        WriteEnds(output, grantEnds);
    }

    /// <summary>The same for one channel.</summary>
    public static void WriteStart(IBufferWriter<byte> output, in Cursor cursor, byte[]? grantEnds)
    {
        WriteRetry(output);
        output.Put(cursor);
        WriteEnds(output, grantEnds);
    }

    /// <summary>Writes a notice to the subscriber of one channel.</summary>
    public static void WriteNotice(IBufferWriter<byte> output, Notice notice, IMessageEncoder encoder)
    {
        output.Put(notice.Kind == NoticeKind.Close ? "event: close\ndata: " : $"event: {NameOf(notice)}\nid: {notice.After}\ndata: ");
        output.Write(encoder.Encode(notice));
        output.Put("\n\n");
    }

    /// <summary>Writes the end of a stream that the client is to open again.</summary>
    public static void WriteBye(IBufferWriter<byte> output, WakeReason reason, TimeSpan retry, IMessageEncoder encoder)
    {
        output.Put($"retry: {(long)retry.TotalMilliseconds}\nevent: bye\ndata: ");
        output.Write(encoder.Encode(ByeOf(reason, retry)));
        output.Put("\n\n");
    }

    /// <summary>Writes what is behind the last notice of a stream whose channels were all closed: a browser reconnects all the same, unless its page closes it.</summary>
    public static void WriteClosed(IBufferWriter<byte> output) => output.Put($"retry: {(long)ReplacedRetry.TotalMilliseconds}\n\n");

    /// <summary>Writes the ticket that follows the one by which the client came.</summary>
    public static void WriteTicket(IBufferWriter<byte> output, string ticket, long expires, IMessageEncoder encoder)
    {
        output.Put("event: ticket\ndata: ");
        output.Write(encoder.EncodeTicket(ticket, expires));
        output.Put("\n\n");
    }

    /// <summary>Writes the end of a stream whose right to follow was revoked.</summary>
    public static void WriteRevoked(IBufferWriter<byte> output, string cursor, IMessageEncoder encoder) =>
        WriteRefusal(output, cursor, encoder.EncodeEventRefusal(RevokedCode, RevokedReason));

    /// <inheritdoc/>
    protected override void Begin()
    {
        WriteStart(Output, Subscriber.CursorText, Subscriber.Grant?.Expires is null ? null : _forms.Encoder.Encode(Subscriber.CursorNotices.First()));
        WriteTicket();
    }

    /// <summary>Writes the whole answer to a client whose credential was refused: it reads no status, and on any but 200 it would close for good.</summary>
    /// <param name="output">The wire.</param>
    /// <param name="cursor">The cursor that the client gave, which stays its own; null for none.</param>
    /// <param name="data">The refusal, as JSON.</param>
    public static void WriteRefusal(IBufferWriter<byte> output, string? cursor, ReadOnlySpan<byte> data)
    {
        if (cursor is not null) output.Put($"id: {cursor}\n");
        output.Put($"retry: {(long)RefusedRetry.TotalMilliseconds}\nevent: refused\ndata: ");
        output.Write(data);
        output.Write("\n\n"u8);
    }

    /// <inheritdoc/>
    /// <remarks>At the beginning, and whenever half of the time is over for which the last one opens: the client always has one that opens.</remarks>
    protected override bool WriteTicket()
    {
        if (Subscriber.Grant is not { IsNarrow: true } grant) return false;
        if (_ticketAt != 0 && Hub.Time.GetElapsedTime(_ticketAt) < TimeSpan.FromSeconds(grant.TicketSeconds) / 2) return false;
        _ticketAt = Math.Max(1, Hub.Time.GetTimestamp());
        if (Request.NextTicket() is not var (text, expires)) return false;
        WriteTicket(Output, text, expires, _forms.Encoder);
        return true;
    }

    /// <inheritdoc/>
    protected override void Write(int channelIndex, Notice notice, bool isLast)
    {
        if (_told is null)
        {
            WriteNotice(Output, notice, _forms.Encoder);
            return;
        }

        Put($"event: {NameOf(notice)}\n");
        WriteEvent(channelIndex, notice.Kind == NoticeKind.Close ? _told[channelIndex] : notice.After, _forms.Encoder.Encode(notice), isLast);
    }

    /// <inheritdoc/>
    protected override void Write(int channelIndex, Batch batch, bool isLast)
    {
        if (_told is null)
        {
            Output.Write(batch.As(_forms.Events).Span);
            return;
        }

        for (var i = 0; i < batch.Messages.Count; i++)
        {
            var message = batch.Messages[i];
            WriteEvent(channelIndex, new Cursor(batch.Epoch, message.Seqid + 1), _forms.Encoder.Encode(message), isLast && i == batch.Messages.Count - 1);
        }
    }

    /// <inheritdoc/>
    protected override ReadOnlyMemory<byte> ForSocket(Batch batch) => _told is null ? batch.As(_forms.EventChunks) : default;

    /// <inheritdoc/>
    protected override bool TryHeartbeat()
    {
        Output.Write(":\n\n"u8);
        return true;
    }

    /// <inheritdoc/>
    protected override void Finish(WakeReason reason, TimeSpan retry)
    {
        if (IsBye(reason))
        {
            WriteBye(Output, reason, retry, _forms.Encoder);
        }
        else if (reason == WakeReason.Revoked)
        {
            WriteRevoked(Output, Subscriber.CursorText, _forms.Encoder);
        }
        else if (reason == WakeReason.Replaced)
        {
            Put($"retry: {(long)ReplacedRetry.TotalMilliseconds}\nevent: close\ndata: ");
            Output.Write(_forms.Encoder.EncodeReplacement(Subscriber));
            Output.Write("\n\n"u8);
        }
        else if (reason == WakeReason.Closed)
        {
            WriteClosed(Output);
        }
    }

    /// <summary>
    /// Writes the rest of an event to one of several channels. An id is long: only the last of the events that are sent together must have
    /// one, and another has one when as much as an id was written since the last, so that ids are never more than half of a stream.
    /// </summary>
    private void WriteEvent(int channelIndex, Cursor after, ReadOnlyMemory<byte> json, bool isLast)
    {
        _sinceId += json.Length;
        _told![channelIndex] = after;
        if (isLast || _sinceId >= _idBytes)
        {
            var id = Cursor.Combine(_told);
            Put($"id: {id}\n");
            (_idBytes, _sinceId) = (id.Length, 0);
        }

        Output.Write("data: "u8);
        Output.Write(json.Span);
        Output.Write("\n\n"u8);
    }

    private static void WriteRetry(IBufferWriter<byte> output)
    {
        output.Write("retry: "u8);
        output.Put((long)(Retry * (1 + Random.Shared.NextDouble())).TotalMilliseconds);
        output.Write("\n\nid: "u8);
    }

    private static void WriteEnds(IBufferWriter<byte> output, byte[]? grantEnds)
    {
        if (grantEnds is not null)
        {
            output.Write("\nevent: cursor\ndata: "u8);
            output.Write(grantEnds);
        }

        output.Write("\n\n"u8);
    }

    private static string NameOf(Notice notice) => notice.Kind switch
    {
        NoticeKind.Gap => "gap",
        NoticeKind.Close => "close",
        _ => "reset",
    };

    private void Put(string text) => Output.Put(text);
}
