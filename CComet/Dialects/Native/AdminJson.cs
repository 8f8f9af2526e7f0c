using System.Text.Json;
using CComet.Access;
using CComet.Messages;
using CComet.Operations;
using CComet.Storage;

namespace CComet.Dialects.Native;

/// <summary>The answers of administration as JSON.</summary>
internal static class AdminJson
{
    /// <summary>Encodes what a caller may administer and a newline.</summary>
    public static byte[] EncodeLine(AdminScope scope) => NativeJson.EncodeObjectLine(json =>
    {
        json.WriteString("user", scope.User);
        json.WriteBoolean("all", scope.IsAll);
        WriteTexts(json, "prefixes", scope.Channels.Prefixes);
        WriteTexts(json, "names", scope.Channels.Names);
    });

    /// <summary>Encodes a page of channels and a newline.</summary>
    public static byte[] EncodeLine(IReadOnlyList<(ListedLog Log, int Subscribers)> channels, string? next) => NativeJson.EncodeObjectLine(json =>
    {
        json.WriteStartArray("channels");
        foreach (var (log, subscribers) in channels)
        {
            json.WriteStartObject();
            json.WriteString("channel", log.Channel);
            WriteBounds(json, log.Head);
            json.WriteNumber("bytes", log.Bytes);
            json.WriteNumber("subscribers", subscribers);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("next", next);
    });

    /// <summary>Encodes what is told of a channel and a newline.</summary>
    public static byte[] EncodeLine(ChannelDetail detail) => NativeJson.EncodeObjectLine(json =>
    {
        json.WriteString("channel", detail.Channel);
        WriteBounds(json, detail.Head);
        if (detail.Bytes is { } bytes) json.WriteNumber("bytes", bytes);
        if (detail.Newest is { } time) json.WriteNumber("time", time);
        WriteTransports(json, "subscribers", detail.All);
        WriteTransports(json, "here", detail.Here);
        if (detail.Silent > 0) json.WriteNumber("silentNodes", detail.Silent);
    });

    /// <summary>Encodes the newest messages of a channel and a newline.</summary>
    public static byte[] EncodeLine(string channel, LogHead head, IReadOnlyList<Message> messages) => NativeJson.EncodeObjectLine(json =>
    {
        json.WriteString("channel", channel);
        WriteBounds(json, head);
        json.WriteStartArray("messages");
        foreach (var message in messages) json.WriteRawValue(message.Record, skipInputValidation: true);
        json.WriteEndArray();
    });

    /// <summary>Encodes what a clear has done and a newline.</summary>
    public static byte[] EncodeCleared(string channel, long dropped, LogHead head) => NativeJson.EncodeObjectLine(json =>
    {
        json.WriteString("channel", channel);
        json.WriteNumber("cleared", dropped);
        WriteBounds(json, head);
    });

    /// <summary>Encodes a count of this node and a newline.</summary>
    /// <param name="name">The name of what was done it to.</param>
    /// <param name="value">What it was done to; null for none.</param>
    /// <param name="what">What is counted.</param>
    /// <param name="count">How many.</param>
    public static byte[] EncodeCount(string name, string? value, string what, int count) => NativeJson.EncodeObjectLine(json =>
    {
        if (value is not null) json.WriteString(name, value);
        json.WriteNumber(what, count);
    });

    /// <summary>Encodes an explanation and a newline.</summary>
    public static byte[] EncodeLine(AccessExplanation explanation) => NativeJson.EncodeObjectLine(json =>
    {
        json.WriteBoolean("allowed", explanation.IsAllowed);
        json.WriteString("by", explanation.By);
        json.WriteString("reason", explanation.Reason);
        if (explanation.Considered.Count == 0) return;
        WriteTexts(json, "considered", explanation.Considered);
    });

    /// <summary>Encodes the nodes, this one first, and a newline.</summary>
    public static byte[] EncodeLine(IReadOnlyList<KnownNode> nodes) => NativeJson.EncodeObjectLine(json =>
    {
        json.WriteStartArray("nodes");
        for (var i = 0; i < nodes.Count; i++)
        {
            var (status, heard) = nodes[i];
            json.WriteStartObject();
            json.WriteString("node", status.Node);
            json.WriteString("host", status.Host);
            if (i == 0) json.WriteBoolean("self", true);
            json.WriteNumber("since", status.Since);
            json.WriteString("version", status.Version);
            json.WriteNumber("heard", (long)heard.TotalMilliseconds);
            json.WriteNumber("subscribers", status.Subscribers);
            json.WriteNumber("channels", status.Channels);
            json.WriteBoolean("draining", status.IsDraining);
            WriteDrain(json, status.Subscribers, status.DrainedFrom);
            json.WriteNumber("memory", status.Memory);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    /// <summary>Encodes the figures of a node.</summary>
    public static byte[] Encode(ServerStatistics figures) => NativeJson.EncodeObject(json => Write(json, figures));

    /// <summary>Encodes the figures of a node and a newline.</summary>
    public static byte[] EncodeLine(ServerStatistics figures) => NativeJson.EncodeObjectLine(json => Write(json, figures));

    private static void Write(Utf8JsonWriter json, ServerStatistics figures)
    {
        json.WriteNumber("time", figures.Time);
        json.WriteNumber("uptime", (long)figures.Uptime.TotalMilliseconds);
        json.WriteNumber("published", figures.Published);
        json.WriteNumber("delivered", figures.Delivered);
        json.WriteNumber("gaps", figures.Gaps);
        json.WriteNumber("resets", figures.Resets);
        json.WriteNumber("stalls", figures.Stalled);
        json.WriteNumber("refused", figures.Refused);
        WriteTransports(json, "subscribers", figures.Transports, figures.Subscribers);
        json.WriteNumber("channels", figures.Channels);
        json.WriteStartObject("memory");
        json.WriteNumber("process", figures.ProcessBytes);
        json.WriteNumber("heap", figures.HeapBytes);
        json.WriteEndObject();
        json.WriteBoolean("draining", figures.DrainedFrom is not null);
        WriteDrain(json, figures.Subscribers, figures.DrainedFrom);
    }

    private static void WriteDrain(Utf8JsonWriter json, int left, int? from)
    {
        if (from is not { } of) return;
        json.WriteStartObject("drain");
        json.WriteNumber("left", left);
        json.WriteNumber("of", of);
        json.WriteEndObject();
    }

    private static void WriteBounds(Utf8JsonWriter json, LogHead head)
    {
        json.WriteString("epoch", head.Epoch);
        json.WriteNumber("first", head.First);
        json.WriteNumber("next", head.End);
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts) json.WriteStringValue(text);
        json.WriteEndArray();
    }

    private static void WriteTransports(Utf8JsonWriter json, string name, TransportCounts counts, int? total = null)
    {
        json.WriteStartObject(name);
        json.WriteNumber("total", total ?? counts.Total);
        json.WriteNumber("poll", counts[(int)Transport.Poll]);
        json.WriteNumber("jsonp", counts[(int)Transport.Jsonp]);
        json.WriteNumber("sse", counts[(int)Transport.Sse]);
        json.WriteNumber("stream", counts[(int)Transport.Stream]);
        json.WriteNumber("websocket", counts[(int)Transport.WebSocket]);
        json.WriteEndObject();
    }
}
