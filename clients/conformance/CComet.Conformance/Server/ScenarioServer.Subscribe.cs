using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using CComet.Conformance.Scenarios;

namespace CComet.Conformance.Server;

/// <content>Answers subscribers.</content>
internal sealed partial class ScenarioServer
{
    private const string ReplacedReason = "A newer request has taken the place of this one.";

    private static readonly KeyValuePair<string, string> NoStore = new("Cache-Control", "no-store");

    /// <returns>Whether the connection is kept for another request.</returns>
    private async Task<bool> SubscribeAsync(WireConnection connection, WireRequest request)
    {
        ScriptedAnswer answer;
        Style style;
        Subscription? to = null;
        ScriptedAnswer? refusal = null;
        lock (_changes.Gate)
        {
            _requests++;
            if (_clock.Elapsed < _quietUntil) Violated(string.Create(CultureInfo.InvariantCulture, $"The client came back {(_quietUntil - _clock.Elapsed).TotalMilliseconds:0} ms earlier than it was told to."));
            if (request.All("channel").FirstOrDefault(_closed.Contains) is { } closed) Violated($"The client asks for the channel {closed} again, which was closed.");
            if (!_next.TryDequeue(out answer!)) answer = new ScriptedAnswer();
            style = answer.Style.Over(_script.Style);
            foreach (var (channel, epoch) in answer.Reset) Log(channel).Reset(epoch);
            Append(answer.Append);
            if (answer.Overlaps && _open.Count == 0) Violated("The client has ended its connection before it had the next one.");
            if (answer.Bearer is { } bearer && request.Bearer != bearer) Violated($"The request should come with the token {bearer}, and has {request.Bearer ?? "none"}.");
            if (answer.Status is not null || answer.Redirect is not null) refusal = answer;
            // A browser's WebSocket has no headers: it may say who it is by its first frame.
            else if (!IsLetIn(request) && !(request.IsWebSocket && request.Bearer is null)) refusal = NotLetIn(request.Bearer is not null);
            else if (answer.Drop is null && answer.Silent is null) to = Read(request, ref refusal);
            if (to is not null) _open.Add(to);
            _changes.Tell();
        }

        try
        {
            if (answer.Drop is not null) return await DropAsync(connection, answer);
            if (answer.Silent == "everything" || (_script.StreamsWithheld && request.Path != "/sub")) return await KeepSilentAsync(connection, to);
            if (answer.Silent is not null)
            {
                await HeadAsync(connection, request, style, null);
                return await KeepSilentAsync(connection, to);
            }

            if (request.IsWebSocket) return await FramesAsync(connection, request, answer, refusal, style, to);
            if (refusal is not null) return await RefuseAsync(connection, request, refusal, style);
            return request.Path == "/sub" ? await PollAsync(connection, request, answer, style, to!) : await StreamAsync(connection, request, answer, style, to!);
        }
        finally
        {
            lock (_changes.Gate)
            {
                if (to is not null) _open.Remove(to);
                _changes.Tell();
            }
        }
    }

    private Subscription? Read(WireRequest request, ref ScriptedAnswer? refusal)
    {
        try
        {
            return Subscription.Read(_requests, request, Log);
        }
        catch (RefusedException e)
        {
            refusal = new ScriptedAnswer { Status = e.Status, Problem = new Problem { Code = e.Code, Detail = e.Message, Parameter = e.Parameter } };
            return null;
        }
    }

    private static ScriptedAnswer NotLetIn(bool hasToken) => new()
    {
        Status = 401,
        Headers = new Dictionary<string, string> { ["WWW-Authenticate"] = "Bearer realm=\"ccomet\", error=\"invalid_token\"" },
        Problem = new Problem { Code = "401", Title = "Unauthorized", Detail = hasToken ? "The token does not hold." : "There is no token." },
    };

    private static async Task<bool> DropAsync(WireConnection connection, ScriptedAnswer answer)
    {
        if (answer.Drop == "close") throw new CutException();
        connection.Abort();
        await Task.CompletedTask;
        throw new ConnectionEndedException("It was reset.");
    }

    private async Task<bool> KeepSilentAsync(WireConnection connection, Subscription? to)
    {
        lock (_changes.Gate)
        {
            if (to is not null) to.IsHeld = true;
            Note("-- silent");
            _changes.Tell();
        }

        await connection.WaitForEndAsync();
        return false;
    }

    private static async Task<AnswerWriter> HeadAsync(WireConnection connection, WireRequest request, Style style, int? cutAt)
    {
        if (request.IsWebSocket)
        {
            await FrameSocket.AcceptAsync(connection, request);
            return new AnswerWriter(connection, style, cutAt);
        }

        var type = request.Path switch { "/sse" => "text/event-stream; charset=utf-8", "/stream" => "application/x-ndjson; charset=utf-8", _ => "application/json; charset=utf-8" };
        var writer = new AnswerWriter(connection, style, cutAt);
        await writer.BeginAsync(200, [new("Content-Type", type), new("Cache-Control", "no-cache, no-transform"), new("X-Accel-Buffering", "no")]);
        return writer;
    }

    private async Task<bool> StreamAsync(WireConnection connection, WireRequest request, ScriptedAnswer answer, Style style, Subscription to)
    {
        var writer = await HeadAsync(connection, request, style, answer.CutAt);
        IStreamForm form = request.Path == "/sse" ? new EventStreamForm(style) : new LinesForm(style);
        await TellAsync(to, answer, form, text => writer.WriteAsync(Encoding.UTF8.GetBytes(text)), connection.WaitAsync);
        await writer.EndAsync();
        return !writer.Closes;
    }

    private async Task<bool> FramesAsync(WireConnection connection, WireRequest request, ScriptedAnswer answer, ScriptedAnswer? refusal, Style style, Subscription? to)
    {
        // What is told in band, so that a page can read it.
        var code = refusal?.Problem?.Code;
        if (refusal is not null && (code is not ("403" or "409") || refusal.Redirect is not null)) return await RefuseAsync(connection, request, refusal, style);
        await FrameSocket.AcceptAsync(connection, request);
        using var frames = new FrameSocket(connection, style, answer.CutAt);
        if (refusal is not null)
        {
            await frames.SendAsync(InBand(refusal.Problem!));
            await frames.CloseAsync(4000 + refusal.Status!.Value);
            throw new CutException();
        }

        bool isLetIn;
        lock (_changes.Gate) isLetIn = IsLetIn(request);
        if (!isLetIn)
        {
            var token = ReadAuth(await frames.ReadAsync());
            lock (_changes.Gate) isLetIn = _accepts is null || _accepts.Contains(token);
            if (!isLetIn)
            {
                await frames.SendAsync(InBand(NotLetIn(token is not null).Problem!));
                await frames.CloseAsync(4401);
                throw new CutException();
            }
        }

        var reading = ReadFramesAsync(frames);
        await TellAsync(to!, answer, new FramesForm(style), frames.SendAsync, async task =>
        {
            if (await Task.WhenAny(task, reading) != reading || task.IsCompleted) return;
            await reading;
            throw new ConnectionEndedException("The client has closed the WebSocket.");
        });
        await frames.CloseAsync(to!.IsOver ? 1000 : 1001);
        throw new CutException();
    }

    private static string InBand(Problem problem) => $"[{Json.Write(new JsonObject { ["type"] = problem.Code, ["reason"] = problem.Detail })}]";

    private static string? ReadAuth(string? frame) =>
        frame is not null && JsonNode.Parse(frame) is JsonObject json && json["type"]?.GetValue<string>() == "auth" ? json["token"]?.GetValue<string>() ?? json["ticket"]?.GetValue<string>() : null;

    /// <summary>Takes what a client sends over a WebSocket: publishes, and who it is.</summary>
    private async Task ReadFramesAsync(FrameSocket frames)
    {
        while (await frames.ReadAsync() is { } text)
        {
            lock (_changes.Gate) Note($"<- frame {text[..Math.Min(text.Length, 200)]}");
            if (ReadAuth(text) is null) await PublishAsync(frames, JsonNode.Parse(text)!);
            else if (_accepts is not null) await frames.SendAsync("""[{"type":"auth","user":"conformance"}]""");
        }
    }

    /// <summary>Tells a stream all there is, then what comes, and what the play has for it, until it is ended.</summary>
    private async Task TellAsync(Subscription to, ScriptedAnswer answer, IStreamForm form, Func<string, Task> write, Func<Task, Task> wait)
    {
        long? expires = answer.ExpiresIn is { } life ? DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() + life : null;
        await WriteAsync(form.Begin(to, expires));
        var left = answer.FreezeAfter ?? int.MaxValue;
        for (; ; )
        {
            List<Element> elements = [];
            Command? command = null;
            Task? next = null;
            lock (_changes.Gate)
            {
                // A step of the play comes before what was appended behind it.
                var isCommanded = to.Commands.TryDequeue(out command);
                var isFrozen = left == 0 && !(answer.Thaw && _open.Exists(other => other.Number > to.Number && other.IsHeld));
                if (left == 0 && !isFrozen) left = int.MaxValue;
                if (!isFrozen && !isCommanded) elements = to.ReadOn(Log, left);
                left -= Math.Min(left, elements.Count(e => e.Kind == "MSG"));
                if (elements.Count == 0 && !isCommanded)
                {
                    if (answer.IsCut && !isFrozen)
                    {
                        KeepQuiet(answer.QuietFor);
                        throw new CutException();
                    }

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

            if (next is not null) await wait(next);
            else if (command is null) await WriteAsync(form.Elements(to, elements));
            else if (!await DoAsync(command)) return;
        }

        async Task<bool> DoAsync(Command command)
        {
            switch (command.Name)
            {
                case "tell":
                    await WriteAsync(form.Elements(to, [.. command.Elements!.Select(e => new Element("", e))]));
                    return true;
                case "heartbeat":
                    await WriteAsync(form.Heartbeat(to));
                    return true;
                case "bye":
                    var bye = new JsonObject { ["type"] = "BYE", ["retry"] = command.Bye!.Retry };
                    if (command.Bye.Reason is { } reason) bye["reason"] = reason;
                    KeepQuiet(command.Bye.QuietFor);
                    await WriteAsync(form.Bye(bye, command.Bye.Retry));
                    return false;
                case "replace":
                    await WriteAsync(form.Close(Replaced(to), isEnd: true));
                    return false;
                case "close":
                    if (to.Close(command.Channel!) is { } closed) await WriteAsync(form.Close(closed, to.IsOver));
                    return !to.IsOver;
                default:
                    throw new CutException();
            }
        }

        async Task WriteAsync(IEnumerable<string> texts)
        {
            foreach (var text in texts) await write(text);
        }
    }

    /// <summary>Notes that no subscriber may come for a while. Measured from before the answer, so that a client that waits long enough is never taken for an early one.</summary>
    private void KeepQuiet(int? milliseconds)
    {
        if (milliseconds is null) return;
        lock (_changes.Gate) _quietUntil = _clock.Elapsed + TimeSpan.FromMilliseconds(milliseconds.Value);
    }

    private static JsonObject Replaced(Subscription to) => new()
    {
        ["type"] = "409",
        ["reason"] = ReplacedReason,
        ["channel"] = to.Positions[0].Channel,
        ["sname"] = "conformance",
        ["seqid"] = to.Positions[0].Next - 1,
    };
}
