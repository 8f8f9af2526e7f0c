using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using CComet.Conformance.Scenarios;

namespace CComet.Conformance.Server;

/// <content>Answers what is no stream: polls, publishes, tickets, and refusals of all.</content>
internal sealed partial class ScenarioServer
{
    /// <summary>Holds a poll until there is something to tell.</summary>
    private async Task<bool> PollAsync(WireConnection connection, WireRequest request, ScriptedAnswer answer, Style style, Subscription to)
    {
        var mayWait = request.One("wait") is not { } wait || double.Parse(wait, CultureInfo.InvariantCulture) > 0;
        var headers = new List<KeyValuePair<string, string>> { new("Cache-Control", "no-cache") };
        for (; ; )
        {
            List<Element> elements;
            Command? command = null;
            Task? next = null;
            lock (_changes.Gate)
            {
                var isCommanded = to.Commands.TryDequeue(out command);
                elements = isCommanded || answer.FreezeAfter is not null ? [] : to.ReadOn(Log);
                // A script has no header to read its place from.
                if (request.Callback is not null && to.IsFromNow && elements.Count == 0 && !isCommanded) elements = [.. to.Begin(null)];
                if (elements.Count == 0 && !isCommanded && (mayWait || answer.FreezeAfter is not null))
                {
                    if (!to.IsHeld)
                    {
                        to.IsHeld = true;
                        _changes.Tell();
                    }

                    next = _changes.Next;
                }
                else
                {
                    to.IsHeld = false;
                }
            }

            if (next is not null)
            {
                await connection.WaitAsync(next);
                continue;
            }

            switch (command?.Name)
            {
                case "cut":
                    throw new CutException();
                case "replace" when request.Callback is null:
                    return await WriteAsync(connection, request, style, answer.CutAt, 409, headers, $"[{Json.Write(Replaced(to))}]\n");
                case "replace":
                    return await WriteAsync(connection, request, style, answer.CutAt, 200, headers, $"[{Json.Write(Replaced(to))}]");
                case "bye":
                    // A poll that ends with its token is answered empty, and the next is refused; one that a server that stops ends is told when to come back.
                    if (command.Bye!.Reason is null) headers.Add(new("CComet-Retry", command.Bye.Retry.ToString(CultureInfo.InvariantCulture)));
                    if (request.Callback is null) KeepQuiet(command.Bye.QuietFor);
                    break;
                case "close":
                    if (to.Close(command.Channel!) is not { } closed) continue;
                    elements = [new Element("", closed)];
                    break;
                case "tell":
                    elements = [.. command.Elements!.Select(e => new Element("", e))];
                    break;
            }

            if (style.Noise == true) elements = [.. elements.SelectMany(e => new[] { new Element("", Noise.Weather), e.Kind == "MSG" ? e with { Json = Noise.In(e.Json) } : e }), new Element("", Noise.Weather)];
            headers.Add(new("CComet-Cursor", to.Cursors));
            var array = Json.Array(elements, style.Ascii == true);
            return await WriteAsync(connection, request, style, answer.CutAt, 200, headers, array + (style.LineEnd ?? "\n"));
        }
    }

    private async Task<bool> PublishAsync(WireConnection connection, WireRequest request)
    {
        ScriptedAnswer answer;
        string? receipts = null;
        lock (_changes.Gate)
        {
            if (_clock.Elapsed < _quietPublishUntil) Violated(string.Create(CultureInfo.InvariantCulture, $"The client published again {(_quietPublishUntil - _clock.Elapsed).TotalMilliseconds:0} ms earlier than it was told to."));
            if (!_nextPublish.TryDequeue(out answer!)) answer = new ScriptedAnswer();
            if (answer.Bearer is { } bearer && request.Bearer != bearer) Violated($"The publish should come with the token {bearer}, and has {request.Bearer ?? "none"}.");
            Append(answer.Append);
            if (answer.Status is null && answer.Redirect is null)
            {
                if (!IsLetIn(request)) answer = NotLetIn(request.Bearer is not null);
                else if (answer.Store) receipts = Store(ReadPublish(request));
            }

            _changes.Tell();
        }

        var style = answer.Style.Over(_script.Style);
        if (answer.Drop is not null) return await DropAsync(connection, answer);
        if (receipts is null) return await RefuseAsync(connection, request, answer, style, isPublish: true);
        return await WriteAsync(connection, request, style, answer.CutAt, 200, [NoStore], receipts + "\n");
    }

    /// <summary>Publishes by a frame of a WebSocket.</summary>
    private async Task PublishAsync(FrameSocket frames, JsonNode message)
    {
        ScriptedAnswer answer;
        string? receipts = null;
        lock (_changes.Gate)
        {
            if (!_nextPublish.TryDequeue(out answer!)) answer = new ScriptedAnswer();
            if (answer.Status is null && answer.Store) receipts = Store(message);
            _changes.Tell();
        }

        if (answer.Drop is not null) throw new CutException();
        await frames.SendAsync(receipts ?? InBand(answer.Problem ?? new Problem { Code = "503", Detail = "The store cannot be reached." }));
    }

    /// <summary>Stores one message or an array of them. Call it under the gate.</summary>
    /// <returns>The receipts.</returns>
    private string Store(JsonNode body)
    {
        var receipts = (body is JsonArray many ? many.ToList() : [body]).Select(message =>
        {
            var channel = message!["channel"]?.GetValue<string>();
            if (channel is null || message is not JsonObject json || !json.ContainsKey("msg")) throw new InvalidOperationException($"What was published has no channel or no msg: {body.ToJsonString()}");
            return Log(channel).Publish(json["msg"], json["sname"]?.GetValue<string>(), json["id"]?.GetValue<string>());
        });
        return $"[{string.Join(',', receipts.Select(receipt => Json.Write(receipt)))}]";
    }

    /// <summary>Reads a publish: what is in the query, and a body of JSON, of a form, or of a text that is the message.</summary>
    private static JsonNode ReadPublish(WireRequest request)
    {
        var names = new[] { "channel", "msg", "sname", "id" };
        var given = new JsonObject();
        foreach (var name in names)
        {
            if (request.One(name) is { } value) given[name] = value;
        }

        if (request.Method == "GET") return given;
        var body = Encoding.UTF8.GetString(request.Body);
        switch (request.Header("Content-Type")?.Split(';')[0].Trim().ToLowerInvariant())
        {
            case "application/json" when JsonNode.Parse(body) is JsonArray array:
                foreach (var message in array.OfType<JsonObject>())
                {
                    foreach (var (name, value) in given.Where(one => !message.ContainsKey(one.Key)).ToList()) message[name] = value?.DeepClone();
                }

                return array;
            case "application/json":
                foreach (var (name, value) in JsonNode.Parse(body)!.AsObject()) given[name] = value?.DeepClone();
                return given;
            case "application/x-www-form-urlencoded":
                foreach (var (name, value) in WireRequest.ReadForm(body)) given[name] = value;
                return given;
            default:
                given["msg"] = body;
                return given;
        }
    }

    /// <summary>Gives a ticket for a token. What it is for is not looked at: that is the server's business, not the client's.</summary>
    private async Task<bool> TicketAsync(WireConnection connection, WireRequest request)
    {
        bool isLetIn;
        lock (_changes.Gate) isLetIn = request.Bearer is not null && IsLetIn(request);
        if (!isLetIn) return await RefuseAsync(connection, request, NotLetIn(request.Bearer is not null), _script.Style);
        var ticket = new JsonObject { ["ticket"] = $"ticket-for-{request.Bearer}", ["expires"] = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() + 60_000 };
        return await WriteAsync(connection, request, _script.Style, null, 200, [NoStore], Json.Write(ticket) + "\n");
    }

    /// <summary>Answers with an error, as the wire's contract has it or as a proxy does.</summary>
    private async Task<bool> RefuseAsync(WireConnection connection, WireRequest request, ScriptedAnswer answer, Style style, bool isPublish = false)
    {
        var writer = new AnswerWriter(connection, style, answer.CutAt);
        var headers = new List<KeyValuePair<string, string>>(answer.Headers);
        if (answer.Redirect is { } redirect)
        {
            headers.Add(new("Location", string.Create(CultureInfo.InvariantCulture, $"http://localhost:{_elsewhere.Port}{request.Target}")));
            await writer.WriteAsync(redirect, headers, "");
            return !writer.Closes;
        }

        if (request.Callback is not null && answer.Problem is not null) return await WriteAsync(connection, request, style, answer.CutAt, 200, headers, InBand(answer.Problem));
        if (isPublish && answer.QuietFor is { } quiet) lock (_changes.Gate) _quietPublishUntil = _clock.Elapsed + TimeSpan.FromMilliseconds(quiet);
        else KeepQuiet(answer.QuietFor);
        if (answer.Problem is not { } problem)
        {
            headers.Add(new("Content-Type", "text/html"));
            await writer.WriteAsync(answer.Status!.Value, headers, answer.Body ?? "<html><body>Something on the way has answered.</body></html>");
            return !writer.Closes;
        }

        var json = new JsonObject { ["type"] = $"urn:ccomet:error:{problem.Code}", ["title"] = problem.Title ?? "Refused", ["status"] = answer.Status, ["detail"] = problem.Detail, ["code"] = problem.Code };
        if (problem.Parameter is not null) json["parameter"] = problem.Parameter;
        headers.Add(new("Content-Type", "application/problem+json"));
        await writer.WriteAsync(answer.Status!.Value, headers, Json.Write(json) + "\n");
        return !writer.Closes;
    }

    /// <summary>Writes JSON, as a script when the request asks for one.</summary>
    private static async Task<bool> WriteAsync(WireConnection connection, WireRequest request, Style style, int? cutAt, int status, List<KeyValuePair<string, string>> headers, string json)
    {
        var writer = new AnswerWriter(connection, style, cutAt);
        var script = request.Callback is { } name ? $"/**/{name}('{InScript(json.TrimEnd('\n', '\r'))}')" : null;
        headers.Add(new("Content-Type", script is null ? "application/json; charset=utf-8" : "text/javascript; charset=utf-8"));
        await writer.WriteAsync(status, headers, script ?? json);
        return !writer.Closes;
    }

    private static string InScript(string json) => json
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal).Replace("<", "\\u003C", StringComparison.Ordinal)
        .Replace("\u2028", "\\u2028", StringComparison.Ordinal).Replace("\u2029", "\\u2029", StringComparison.Ordinal);
}
