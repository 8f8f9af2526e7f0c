using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CComet.Messages;
using CComet.Storage;

namespace CComet.Webhooks;

/// <summary>Events that are posted together, and the cursors behind them.</summary>
internal sealed class WebhookBatch : IDisposable
{
    /// <summary>How many events there are at most.</summary>
    public const int MaxEvents = 100;

    /// <summary>How many bytes of JSON they take at most, unless a single one takes more.</summary>
    public const int MaxBytes = 1 << 20;

    private const int IdBytes = 16;

    private static readonly JsonWriterOptions Unchecked = new() { SkipValidation = true };

    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly Utf8JsonWriter _json;
    private readonly Dictionary<string, LogCursor> _cursors = new(StringComparer.Ordinal);

    public WebhookBatch()
    {
        // What is appended is JSON already: the records of messages.
        _json = new Utf8JsonWriter(_bytes, Unchecked);
        _json.WriteStartArray();
    }

    /// <summary>How many events there are.</summary>
    public int Count { get; private set; }

    /// <summary>Whether no more may be added.</summary>
    public bool IsFull => Count >= MaxEvents || Bytes >= MaxBytes;

    /// <summary>How many bytes the events take.</summary>
    public long Bytes => _json.BytesCommitted + _json.BytesPending;

    /// <summary>When the oldest of its messages was stored, in milliseconds since 1970-01-01 UTC; null when it has none.</summary>
    public long? OldestTime { get; private set; }

    /// <summary>The cursors behind the events, one for each log.</summary>
    public IReadOnlyCollection<LogCursor> Cursors => _cursors.Values;

    /// <summary>Sets the cursor of a log.</summary>
    public void Move(LogCursor cursor) => _cursors[cursor.Log] = cursor;

    /// <summary>Adds a message.</summary>
    public void Add(FollowedLog log, string epoch, WebhookEvent kind, Message message)
    {
        Begin(NameOf(kind), log, epoch);
        _json.WriteNumber("seqid"u8, message.Seqid);
        _json.WriteNumber("time"u8, message.Time);

        // The member that an occupancy has is the channel.
        if (log.Kind != FollowedLogKind.Occupancy && !message.Sname.IsEmpty) WriteRaw(log.Kind == FollowedLogKind.Presence ? "user"u8 : "sname"u8, message.Sname);
        if (!message.Body.IsEmpty) WriteRaw(log.Kind == FollowedLogKind.Presence ? "info"u8 : "msg"u8, message.Body);
        _json.WriteEndObject();
        OldestTime = Math.Min(OldestTime ?? long.MaxValue, message.Time);
    }

    /// <summary>Adds that messages of a log are gone that were not told.</summary>
    /// <param name="log">The log.</param>
    /// <param name="epoch">Its epoch.</param>
    /// <param name="kinds">The events that may be missing.</param>
    /// <param name="from">The first one.</param>
    /// <param name="to">The last one.</param>
    public void AddGap(FollowedLog log, string epoch, IEnumerable<WebhookEvent> kinds, long from, long to)
    {
        Begin("gap", log, epoch);
        WriteMissing(log, kinds);
        _json.WriteNumber("from"u8, from);
        _json.WriteNumber("to"u8, to);
        _json.WriteEndObject();
    }

    /// <summary>Adds that a log has begun anew: what was in it and not told is gone.</summary>
    public void AddReset(FollowedLog log, string epoch, IEnumerable<WebhookEvent> kinds)
    {
        Begin("reset", log, epoch);
        WriteMissing(log, kinds);
        _json.WriteEndObject();
    }

    /// <summary>Makes what is posted.</summary>
    /// <param name="hook">The webhook's name.</param>
    /// <param name="generation">The generation of the lease.</param>
    /// <returns>An id, the same for the same events, and the body.</returns>
    public (string Id, ReadOnlyMemory<byte> Body) Encode(string hook, long generation)
    {
        _json.WriteEndArray();
        _json.Flush();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(hook));
        hash.AppendData(_bytes.WrittenSpan);

        var body = new ArrayBufferWriter<byte>(_bytes.WrittenCount + hook.Length + 64);
        using var json = new Utf8JsonWriter(body, Unchecked);
        json.WriteStartObject();
        json.WriteString("hook"u8, hook);
        json.WriteNumber("generation"u8, generation);
        json.WritePropertyName("events"u8);
        json.WriteRawValue(_bytes.WrittenSpan, skipInputValidation: true);
        json.WriteEndObject();
        json.Flush();
        return ($"msg_{Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, IdBytes))}", body.WrittenMemory);
    }

    /// <inheritdoc/>
    public void Dispose() => _json.Dispose();

    private static string NameOf(WebhookEvent kind) => kind switch
    {
        WebhookEvent.Join => "join",
        WebhookEvent.Leave => "leave",
        WebhookEvent.Occupied => "occupied",
        WebhookEvent.Vacated => "vacated",
        _ => "message",
    };

    private void Begin(string kind, FollowedLog log, string epoch)
    {
        Count++;
        _json.WriteStartObject();
        _json.WriteString("event"u8, kind);
        _json.WriteString("channel"u8, log.Channel);
        _json.WriteString("log"u8, log.Name);
        _json.WriteString("epoch"u8, epoch);
    }

    /// <summary>Writes which events are concerned, as a channel has several logs.</summary>
    private void WriteMissing(FollowedLog log, IEnumerable<WebhookEvent> kinds)
    {
        _json.WriteStartArray("missing"u8);
        foreach (var kind in kinds.Where(kind => FollowedLog.KindOf(kind) == log.Kind)) _json.WriteStringValue(NameOf(kind));
        _json.WriteEndArray();
    }

    private void WriteRaw(ReadOnlySpan<byte> name, ReadOnlyMemory<byte> json)
    {
        _json.WritePropertyName(name);
        _json.WriteRawValue(json.Span, skipInputValidation: true);
    }
}
