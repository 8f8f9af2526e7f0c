using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CComet.Conformance.Server;

namespace CComet.Conformance.Playing;

/// <summary>Compares what a client told with what the scenario expects.</summary>
internal static partial class Expectations
{
    private const int Shown = 400;

    /// <summary>Events that come in no order that a scenario could know: when a cursor was known, and when a token was asked for.</summary>
    private static readonly HashSet<string> Passed = ["opened", "token", "ready", "closed"];

    /// <summary>Compares the events of one id, in order.</summary>
    /// <returns>The first difference; null when there is none.</returns>
    public static string? Compare(string id, IReadOnlyList<JsonObject> expected, IEnumerable<JsonObject> told, string channel, Func<string, ChannelLog> log)
    {
        var events = told.Where(e => !Passed.Contains(KindOf(e))).ToList();
        var at = 0;
        foreach (var one in expected)
        {
            if (one["anything"] is not null) return null;
            var times = one["times"]?.GetValue<string>();
            if (times is null)
            {
                foreach (var each in Expand(one, channel, log))
                {
                    if (at == events.Count) return $"{id}: expected {Show(each)} as number {at}, and nothing more came.";
                    if (Difference(each, events[at]) is { } difference) return $"{id}: expected {Show(each)} as number {at}, and {difference} came{Before(events, at)}.";
                    at++;
                }

                continue;
            }

            var pattern = Without(one, "times");
            var first = at;
            while (at < events.Count && Difference(pattern, events[at]) is null) at++;
            if (times == "some" && at == first) return $"{id}: expected {Show(pattern)} as number {at}, and {(at < events.Count ? Show(events[at]) : "nothing more")} came.";
        }

        return at == events.Count ? null : $"{id}: expected nothing more, and {Show(events[at])} came as number {at}{Before(events, at)}.";
    }

    /// <summary>The kind of an event.</summary>
    public static string KindOf(JsonObject told) => told["is"]!.GetValue<string>();

    /// <summary>The id that an event is about; null for none.</summary>
    public static string? IdOf(JsonObject told) => told["id"]?.GetValue<string>();

    /// <summary><c>{"messages":"e1:0-9"}</c> stands for these messages of the log.</summary>
    private static IEnumerable<JsonObject> Expand(JsonObject expected, string channel, Func<string, ChannelLog> log)
    {
        if (expected["messages"]?.GetValue<string>() is not { } range)
        {
            yield return expected;
            yield break;
        }

        var parts = Range().Match(range);
        if (!parts.Success) throw new FormatException($"'{range}' is no range of messages: it is written epoch:first-last.");
        var (epoch, last) = (parts.Groups["epoch"].Value, Number("last"));
        for (var seqid = Number("first"); seqid <= last; seqid++)
        {
            var message = log(channel).Find(epoch, seqid) ?? throw new FormatException($"The log of {channel} has no message {epoch}:{seqid}, which is expected.");
            var each = new JsonObject { ["is"] = "message", ["channel"] = channel, ["cursor"] = string.Create(CultureInfo.InvariantCulture, $"{epoch}:{seqid + 1}") };
            foreach (var name in new[] { "type", "sname", "msg", "seqid" })
            {
                if (message.Json.ContainsKey(name)) each[name] = message.Json[name]?.DeepClone();
            }

            yield return each;
        }

        long Number(string group) => long.Parse(parts.Groups[group].Value, CultureInfo.InvariantCulture);
    }

    /// <summary>What came, when it is not what was expected; members that are not expected may be there.</summary>
    private static string? Difference(JsonObject expected, JsonObject told)
    {
        foreach (var (name, value) in expected)
        {
            if (name == "contains")
            {
                if (told["detail"] is not JsonValue detail || !detail.ToString().Contains(value!.GetValue<string>(), StringComparison.Ordinal)) return Show(told);
            }
            else if (!told.ContainsKey(name) || !Same(value, told[name]))
            {
                return Show(told);
            }
        }

        return null;
    }

    /// <summary>Two values are the same when they mean the same: 1 and 1.0 are one number.</summary>
    private static bool Same(JsonNode? one, JsonNode? other) => (one, other) switch
    {
        (null, null) => true,
        (null, _) or (_, null) => false,
        (JsonObject a, JsonObject b) => a.Count == b.Count && a.All(member => b.ContainsKey(member.Key) && Same(member.Value, b[member.Key])),
        (JsonArray a, JsonArray b) => a.Count == b.Count && a.Zip(b).All(pair => Same(pair.First, pair.Second)),
        _ => JsonNode.DeepEquals(one, other),
    };

    private static JsonObject Without(JsonObject json, string name)
    {
        var rest = json.DeepClone().AsObject();
        rest.Remove(name);
        return rest;
    }

    private static string Before(List<JsonObject> events, int at) => at > 0 ? $", behind {Show(events[at - 1])}" : "";

    private static string Show(JsonObject json)
    {
        var text = Json.Write(json);
        return text.Length <= Shown ? text : $"{text[..(Shown / 2)]} … {text[^(Shown / 2)..]} ({text.Length} characters)";
    }

    [GeneratedRegex(@"^(?<epoch>.+):(?<first>\d+)-(?<last>\d+)$")]
    private static partial Regex Range();
}
