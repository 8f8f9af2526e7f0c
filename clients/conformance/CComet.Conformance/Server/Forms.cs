using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using CComet.Conformance.Scenarios;

namespace CComet.Conformance.Server;

/// <summary>How a stream looks on one transport.</summary>
/// <remarks>Each method gives the texts that are written one by one; on a WebSocket each is a frame.</remarks>
internal interface IStreamForm
{
    IEnumerable<string> Begin(Subscription to, long? expires);

    IEnumerable<string> Elements(Subscription to, IReadOnlyList<Element> elements);

    IEnumerable<string> Heartbeat(Subscription to);

    IEnumerable<string> Bye(JsonObject bye, int retry);

    /// <summary>Tells that a channel is closed, or that a newer request has the place of this one.</summary>
    /// <param name="told">What is told.</param>
    /// <param name="isEnd">Whether the stream ends with it.</param>
    IEnumerable<string> Close(JsonObject told, bool isEnd);
}

/// <summary>What a later version of the server may send, and a client passes over.</summary>
internal static class Noise
{
    public static JsonObject Weather => new() { ["type"] = "WEATHER", ["report"] = "rain, \n\"heavy\"" };

    /// <summary>A message with members that nobody knows yet.</summary>
    public static JsonObject In(JsonObject message)
    {
        var noisy = message.DeepClone().AsObject();
        noisy["extra"] = new JsonObject { ["seqid"] = 999, ["type"] = "RESET", ["list"] = new JsonArray(1, null) };
        return noisy;
    }
}

/// <summary>Server-sent events.</summary>
internal sealed class EventStreamForm(Style style) : IStreamForm
{
    private const int UsualRetry = 10;

    private readonly bool _ascii = style.Ascii == true;
    private string[] _told = [];

    public IEnumerable<string> Begin(Subscription to, long? expires)
    {
        _told = [.. to.Positions.Select(to.CursorOf)];
        var text = new StringBuilder(style.Bom == true ? "\uFEFF" : "");
        text.Append(CultureInfo.InvariantCulture, $"retry: {style.Retry ?? UsualRetry}\n\nid: {to.Cursors}\n");
        if (expires is not null) text.Append("event: cursor\ndata: ").Append(Json.Write(to.Begin(expires).First().Json, _ascii)).Append('\n');
        yield return Ends(text.Append('\n').ToString());
    }

    public IEnumerable<string> Elements(Subscription to, IReadOnlyList<Element> elements)
    {
        var text = new StringBuilder();
        for (var i = 0; i < elements.Count; i++)
        {
            var element = elements[i];
            if (style.Noise == true) text.Append(CultureInfo.InvariantCulture, $": a comment\n:\nweather: rain\nids: x:1\n\nevent: weather\ndata: {Json.Write(Noise.Weather)}\n\n");
            if (element.After is not null) _told[element.ChannelIndex] = element.After;
            // Of several channels the last event of those sent together alone needs an id.
            if (element.After is not null && (_told.Length == 1 || i == elements.Count - 1)) text.Append("id: ").AppendJoin(',', _told).Append('\n');
            if (element.Kind != "MSG") text.Append("event: ").Append(element.Json["type"]!.GetValue<string>().ToLowerInvariant()).Append('\n');
            var json = style.Noise == true && element.Kind == "MSG" ? Noise.In(element.Json) : element.Json;
            // The space behind a colon may be left out.
            text.Append(style.Noise == true ? "data:" : "data: ").Append(Json.Write(json, _ascii)).Append("\n\n");
        }

        yield return Ends(text.ToString());
    }

    public IEnumerable<string> Heartbeat(Subscription to) => [Ends(":\n\n")];

    public IEnumerable<string> Bye(JsonObject bye, int retry) => [Ends(string.Create(CultureInfo.InvariantCulture, $"retry: {retry}\nevent: bye\ndata: {Json.Write(bye)}\n\n"))];

    public IEnumerable<string> Close(JsonObject told, bool isEnd) => [Ends($"{(isEnd ? "retry: 30000\n" : "")}event: close\ndata: {Json.Write(told)}\n\n")];

    private string Ends(string text) => style.LineEnd is null ? text : text.Replace("\n", style.LineEnd, StringComparison.Ordinal);
}

/// <summary>One JSON object a line.</summary>
internal sealed class LinesForm(Style style) : IStreamForm
{
    private readonly bool _ascii = style.Ascii == true;

    public IEnumerable<string> Begin(Subscription to, long? expires) => [string.Concat(to.Begin(expires).Select(Line))];

    public IEnumerable<string> Elements(Subscription to, IReadOnlyList<Element> elements) => [string.Concat(elements.Select(Line))];

    public IEnumerable<string> Heartbeat(Subscription to) => [string.Concat(to.Begin(null).Select(Line))];

    public IEnumerable<string> Bye(JsonObject bye, int retry) => [Line(bye)];

    public IEnumerable<string> Close(JsonObject told, bool isEnd) => [Line(told)];

    private string Line(Element element) =>
        style.Noise != true ? Line(element.Json) : Line(Noise.Weather) + Line(element.Kind == "MSG" ? Noise.In(element.Json) : element.Json);

    private string Line(JsonObject json) => Json.Write(json, _ascii) + (style.LineEnd ?? "\n");
}

/// <summary>An array a frame.</summary>
internal sealed class FramesForm(Style style) : IStreamForm
{
    private readonly bool _ascii = style.Ascii == true;

    public IEnumerable<string> Begin(Subscription to, long? expires) => [Json.Array(to.Begin(expires), _ascii)];

    public IEnumerable<string> Elements(Subscription to, IReadOnlyList<Element> elements) =>
        style.Noise != true
            ? [Json.Array(elements, _ascii)]
            : [$"[{Json.Write(Noise.Weather)}]", Json.Array(elements.SelectMany(e => new[] { e with { Json = e.Kind == "MSG" ? Noise.In(e.Json) : e.Json }, new Element("", Noise.Weather) }))];

    public IEnumerable<string> Heartbeat(Subscription to) => ["[]"];

    public IEnumerable<string> Bye(JsonObject bye, int retry) => [$"[{Json.Write(bye)}]"];

    public IEnumerable<string> Close(JsonObject told, bool isEnd) => [$"[{Json.Write(told)}]"];
}
