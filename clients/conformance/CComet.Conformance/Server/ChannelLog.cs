using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CComet.Conformance.Server;

/// <summary>A message of a log, as it goes over the wire.</summary>
internal sealed record LoggedMessage(string Epoch, long Seqid, JsonObject Json);

/// <summary>The log of one channel. All that it has had is kept, for the expectations; what it still gives is bounded by <see cref="First"/>.</summary>
internal sealed class ChannelLog
{
    private const long FirstTime = 1_790_000_000_000;

    private readonly string _name;
    private readonly List<LoggedMessage> _all = [];
    private readonly Dictionary<string, JsonObject> _receipts = [];

    public ChannelLog(string name, string epoch, long first)
    {
        _name = name;
        Epoch = epoch;
        First = Next = first;
    }

    public string Epoch { get; private set; }

    /// <summary>The first seqid that is kept.</summary>
    public long First { get; private set; }

    /// <summary>The seqid of the next message.</summary>
    public long Next { get; private set; }

    /// <summary>How many messages were stored, over all epochs.</summary>
    public int Count => _all.Count;

    /// <summary>The messages that are kept, from a seqid on.</summary>
    public IEnumerable<LoggedMessage> From(long seqid) => _all.Where(m => m.Epoch == Epoch && m.Seqid >= Math.Max(seqid, First));

    /// <summary>A message that the log has or had; null when there is none.</summary>
    public LoggedMessage? Find(string epoch, long seqid) => _all.Find(m => m.Epoch == epoch && m.Seqid == seqid);

    /// <summary>Appends so many messages, or those of an array.</summary>
    public void Append(JsonElement messages)
    {
        if (messages.ValueKind == JsonValueKind.Undefined) return;
        if (messages.ValueKind == JsonValueKind.Number)
        {
            for (var i = messages.GetInt32(); i > 0; i--) Append("MSG", null, JsonValue.Create(string.Create(CultureInfo.InvariantCulture, $"{_name} {_all.Count}")));
            return;
        }

        foreach (var message in messages.EnumerateArray())
        {
            Append(
                message.TryGetProperty("type", out var type) ? type.GetString()! : "MSG",
                message.TryGetProperty("sname", out var sname) ? sname.GetString() : null,
                Expand(message.GetProperty("msg")));
        }
    }

    /// <summary>Stores what was published; the same id a second time stores nothing.</summary>
    /// <returns>The receipt.</returns>
    public JsonObject Publish(JsonNode? msg, string? sname, string? id)
    {
        if (id is not null && _receipts.TryGetValue(id, out var first))
        {
            var again = first.DeepClone().AsObject();
            again["duplicate"] = true;
            return again;
        }

        var receipt = new JsonObject { ["type"] = "pub", ["channel"] = _name, ["epoch"] = Epoch, ["seqid"] = Next };
        Append("MSG", sname, msg);
        if (id is not null) _receipts[id] = receipt.DeepClone().AsObject();
        return receipt;
    }

    /// <summary>Keeps only what has this seqid or a greater one.</summary>
    public void Trim(long first)
    {
        First = first;
        Next = Math.Max(Next, first);
    }

    /// <summary>Begins anew.</summary>
    public void Reset(string epoch)
    {
        Epoch = epoch;
        First = Next = 0;
    }

    /// <summary>A text may be told as <c>{"$text":…,"$times":…}</c>, when it is long.</summary>
    internal static JsonNode? Expand(JsonElement msg)
    {
        if (msg.ValueKind != JsonValueKind.Object || !msg.TryGetProperty("$text", out var text)) return JsonNode.Parse(msg.GetRawText());
        return JsonValue.Create(new StringBuilder().Insert(0, text.GetString()!, msg.GetProperty("$times").GetInt32()).ToString());
    }

    private void Append(string type, string? sname, JsonNode? msg)
    {
        var json = new JsonObject { ["type"] = type, ["channel"] = _name };
        if (sname is not null) json["sname"] = sname;
        json["msg"] = msg?.DeepClone();
        json["seqid"] = Next;
        json["time"] = FirstTime + Next;
        _all.Add(new LoggedMessage(Epoch, Next, json));
        Next++;
    }
}
