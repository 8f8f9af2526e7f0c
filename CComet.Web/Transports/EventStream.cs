using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using CComet.Web.Hub;

namespace CComet.Web.Transports;

/// <summary>Server-sent events. The id of each event is the cursor behind it, so that a browser's own reconnect resumes exactly.</summary>
public sealed class EventStream : Feed
{
    /// <summary>The content type.</summary>
    public const string ContentType = "text/event-stream; charset=utf-8";

    /// <summary>A browser waits at least this long before it reconnects after a cut, and at most twice as long.</summary>
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    /// <summary>A browser whose name a newer stream took would take it back at once; it is asked to wait this long.</summary>
    private static readonly TimeSpan ReplacedRetry = TimeSpan.FromSeconds(30);

    private static readonly Func<Batch, byte[]> Events = Encode;
    private static readonly Func<Batch, byte[]> Chunks = batch => Chunk.Of(batch.As(Events).Span);

    private readonly (string Channel, Cursor Told)[]? _places;

    /// <summary>A stream to the subscriber, which has begun.</summary>
    public EventStream(PipeWriter output, Socket? socket, Subscriber subscriber, IStreamRequest request)
        : base(output, socket, subscriber, request)
    {
        // Among several channels an id is the place in all of them, so that each must be remembered as it was told.
        if (subscriber.Channels > 1) _places = [.. subscriber.Positions.Select(p => (Uri.EscapeDataString(p.Channel), p.Cursor))];
    }

    /// <inheritdoc/>
    protected override void Begin()
    {
        Put($"retry: {(long)(Retry * (1 + Random.Shared.NextDouble())).TotalMilliseconds}\n\n");
        Put($"id: {Subscriber.CursorText}\n\n");
    }

    /// <inheritdoc/>
    protected override void Write(int position, Notice notice)
    {
        Put($"event: {(notice.Kind == NoticeKind.Gap ? "gap" : "reset")}\nid: {IdAfter(position, notice.After)}\ndata: ");
        Output.Write(notice.Json);
        Output.Write("\n\n"u8);
    }

    /// <inheritdoc/>
    protected override void Write(int position, Batch batch)
    {
        if (_places is null)
        {
            Output.Write(batch.As(Events).Span);
            return;
        }

        foreach (var message in batch.Messages)
        {
            Put($"id: {IdAfter(position, new Cursor(batch.Epoch, message.Seqid + 1))}\ndata: ");
            Output.Write(message.Json);
            Output.Write("\n\n"u8);
        }
    }

    /// <inheritdoc/>
    protected override ReadOnlyMemory<byte> ForSocket(Batch batch) => _places is null ? batch.As(Chunks) : default;

    /// <inheritdoc/>
    protected override bool TryHeartbeat()
    {
        Output.Write(":\n\n"u8);
        return true;
    }

    /// <inheritdoc/>
    protected override void Finish(Wake reason, TimeSpan retry)
    {
        if (reason == Wake.Draining)
        {
            Put($"retry: {(long)retry.TotalMilliseconds}\nevent: bye\ndata: ");
            Output.Write(Notice.Bye(retry).Json);
            Output.Write("\n\n"u8);
        }
        else if (reason == Wake.Replaced)
        {
            Put($"retry: {(long)ReplacedRetry.TotalMilliseconds}\nevent: close\ndata: ");
            Output.Write(Replacement.Json(Subscriber));
            Output.Write("\n\n"u8);
        }
    }

    private static byte[] Encode(Batch batch)
    {
        var events = new ArrayBufferWriter<byte>((int)batch.Bytes + (batch.Messages.Count * 48));
        foreach (var message in batch.Messages)
        {
            Encoding.UTF8.GetBytes($"id: {new Cursor(batch.Epoch, message.Seqid + 1)}\ndata: ", events);
            events.Write(message.Json);
            events.Write("\n\n"u8);
        }

        return events.WrittenSpan.ToArray();
    }

    private string IdAfter(int position, Cursor after)
    {
        if (_places is null) return after.ToString();
        _places[position].Told = after;
        return string.Join(',', _places.Select(place => $"{place.Channel}={place.Told}"));
    }

    private void Put(string text) => Encoding.UTF8.GetBytes(text, Output);
}
