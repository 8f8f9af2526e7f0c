using System.Text;
using System.Text.Json.Nodes;
using CComet.Conformance.Scenarios;
using CComet.Conformance.Server;

namespace CComet.Conformance.Playing;

/// <summary>How one scenario over one transport came out.</summary>
public enum Verdict
{
    Passed,
    Failed,

    /// <summary>The SDK has not a feature that the scenario needs.</summary>
    CannotExpress,
}

/// <summary>A result: over which transport (<c>auto</c> when the client was told none), and, for a failure, what was wrong and what came over the wire.</summary>
public sealed record Result(Scenario Scenario, string Transport, Verdict Verdict, string Difference = "", string Details = "");

/// <summary>An SDK as the suite sees it.</summary>
/// <param name="Command">The program and its arguments.</param>
/// <param name="Folder">Where it is started.</param>
public sealed record Adapter(IReadOnlyList<string> Command, string Folder)
{
    /// <summary>Reads a command line; a part between double quotes may have spaces.</summary>
    public static Adapter Parse(string command, string folder)
    {
        ArgumentNullException.ThrowIfNull(command);
        var parts = new List<string>();
        var part = new StringBuilder();
        var (isQuoted, isBegun) = (false, false);
        foreach (var c in command)
        {
            if (c == '"')
            {
                (isQuoted, isBegun) = (!isQuoted, true);
            }
            else if (c == ' ' && !isQuoted)
            {
                if (isBegun) parts.Add(part.ToString());
                part.Clear();
                isBegun = false;
            }
            else
            {
                part.Append(c);
                isBegun = true;
            }
        }

        if (isQuoted) throw new FormatException("A double quote has no second one.");
        if (isBegun) parts.Add(part.ToString());
        return parts.Count > 0 ? new Adapter(parts, folder) : throw new FormatException("There is no command.");
    }
}

/// <summary>Plays one scenario: starts a server and the adapter, does the steps one after another, and compares.</summary>
internal sealed class Player : IAsyncDisposable
{
    private readonly Changes _changes = new();
    private readonly ScenarioServer _server;
    private readonly AdapterProcess _adapter;
    private readonly Scenario _scenario;
    private readonly string _transport;
    private readonly TimeSpan _longest;
    private readonly CancellationTokenSource _patience = new(Suite.StartPatience);
    private readonly Dictionary<string, string> _channels = [];
    private int _untilClose;
    private string _doing = "start the adapter";

    private Player(Scenario scenario, string transport, Adapter adapter, TimeSpan patience)
    {
        (_scenario, _transport) = (scenario, transport);
        _longest = patience;
        _server = new ScenarioServer(scenario.Server, _changes);
        _adapter = AdapterProcess.Start(adapter.Command, adapter.Folder, _changes);
    }

    /// <summary>Plays it.</summary>
    public static async Task<Result> PlayAsync(Scenario scenario, string transport, Adapter adapter, TimeSpan patience)
    {
        await using var player = new Player(scenario, transport, adapter, patience);
        string? difference;
        try
        {
            difference = await player.PlayAsync();
        }
        catch (OperationCanceledException)
        {
            difference = $"Nothing came of this in time: {player._doing}";
        }

        if (difference is null) return new Result(scenario, transport, Verdict.Passed);
        lock (player._changes.Gate)
        {
            // What the server saw says more than what came of it.
            if (player._server.Violations.Count > 0) difference = $"{string.Join(" ", player._server.Violations)} {difference}";
            return new Result(scenario, transport, Verdict.Failed, difference.Trim(), player.Details());
        }
    }

    /// <summary>Asks an adapter what it is and can.</summary>
    public static async Task<JsonObject> AskAsync(Adapter adapter, TimeSpan patience)
    {
        var changes = new Changes();
        using var process = AdapterProcess.Start(adapter.Command, adapter.Folder, changes);
        using var limit = new CancellationTokenSource(patience);
        try
        {
            await changes.UntilAsync(() => process.Events.Count > 0 || process.IsOver || process.Fault is not null, limit.Token);
        }
        catch (OperationCanceledException)
        {
            throw new InvalidOperationException($"The adapter '{string.Join(' ', adapter.Command)}' was not ready within {patience.TotalSeconds:0} s.");
        }

        lock (changes.Gate)
        {
            if (process.Events is [var ready, ..] && Expectations.KindOf(ready) == "ready" && ready["features"] is JsonArray) return ready;
            throw new InvalidOperationException(
                $"The adapter '{string.Join(' ', adapter.Command)}' did not begin with {{\"is\":\"ready\",\"sdk\":…,\"features\":[…]}}. {process.Fault} {string.Join('\n', process.Errors)}".TrimEnd());
        }
    }

    public async ValueTask DisposeAsync()
    {
        _adapter.Dispose();
        await _server.DisposeAsync();
        _patience.Dispose();
    }

    private async Task<string?> PlayAsync()
    {
        await UntilAsync(() => HasTold(e => Expectations.KindOf(e) == "ready"), "the adapter tells that it is ready");
        // To start a program may take long on a machine that is busy, and tells nothing of the client.
        _patience.CancelAfter(_longest);
        await _adapter.SendAsync(Open());
        foreach (var act in _scenario.Play)
        {
            if (act.Await is { } condition) await UntilAsync(Meaning(condition), $"await {Describe(condition)}");
            else if (act.Client is { } command) await SendAsync(command);
            else await DoAsync(act);
            if (Trouble() is { } trouble) return trouble;
        }

        lock (_changes.Gate) _untilClose = _adapter.Events.Count;
        await SendAsync(new JsonObject { ["do"] = "close" });
        await UntilAsync(() => HasTold(e => Expectations.KindOf(e) == "closed"), "the adapter tells that it is closed");
        _doing = "the adapter ends by itself when all is closed";
        var exit = await _adapter.ExitAsync(_patience.Token);
        lock (_changes.Gate)
        {
            if (exit != 0) return $"The adapter ended with the exit code {exit}.";
            if (_adapter.Fault is not null) return _adapter.Fault;
            if (_server.Violations.Count > 0) return "";
            return Compare() ?? CompareStored() ?? (_server.Unused > 0 ? $"{_server.Unused} of the server's scripted answers were never asked for." : null);
        }
    }

    private async Task DoAsync(Act act)
    {
        _doing = act.Cut == true ? "cut a connection that has been told all" : act.Bye is not null ? "say BYE on a connection that has been told all" : "a step of the server";
        await _server.DoAsync(act, _patience.Token);
    }

    private async Task SendAsync(JsonObject command)
    {
        var channel = command["channel"]?.GetValue<string>();
        if (channel is not null && command["id"]?.GetValue<string>() is { } id) _channels[id] = channel;
        var sent = command.DeepClone().AsObject();
        if (sent["msg"] is JsonObject msg && msg.ContainsKey("$text")) sent["msg"] = ChannelLog.Expand(System.Text.Json.JsonSerializer.SerializeToElement(msg));
        await _adapter.SendAsync(sent);
    }

    private JsonObject Open()
    {
        var open = new JsonObject { ["do"] = "open", ["url"] = _server.Url };
        if (_transport != "auto") open["transport"] = _transport;
        if (_scenario.Open.Tokens is { } tokens) open["tokens"] = new JsonArray([.. tokens.Select(token => JsonValue.Create(token))]);
        open["retryMin"] = _scenario.Open.RetryMin;
        open["retryMax"] = _scenario.Open.RetryMax;
        open["silence"] = _scenario.Open.Silence;
        open["firstByte"] = _scenario.Open.FirstByte;
        return open;
    }

    private Func<bool> Meaning(Condition condition) => () =>
        (condition.Subscribers is not { } subscribers || _server.HasHeld(subscribers))
        && (condition.Requests is not { } requests || _server.Requests >= requests)
        && (condition.Messages is not { } messages || _adapter.Events.Count(e => Expectations.IdOf(e) == condition.Id && Expectations.KindOf(e) == "message") >= messages)
        && (condition.Is is not { } kinds || HasTold(e => Expectations.IdOf(e) == condition.Id && kinds.Contains(Expectations.KindOf(e))));

    private static string Describe(Condition condition)
    {
        var parts = new List<string>();
        if (condition.Messages is not null) parts.Add($"{condition.Messages} messages of {condition.Id}");
        if (condition.Is is not null) parts.Add($"{string.Join(" or ", condition.Is)} of {condition.Id}");
        if (condition.Subscribers is not null) parts.Add($"exactly {condition.Subscribers} connections that are held");
        if (condition.Requests is not null) parts.Add($"{condition.Requests} requests of subscribers");
        return string.Join(" and ", parts);
    }

    private bool HasTold(Func<JsonObject, bool> which) => _adapter.Events.Any(which);

    private async Task UntilAsync(Func<bool> condition, string what)
    {
        _doing = what;
        // What has gone wrong ends the wait as well: what is waited for may never come then.
        await _changes.UntilAsync(() => condition() || _adapter.Fault is not null || _adapter.IsOver || _server.Violations.Count > 0, _patience.Token);
    }

    private string? Trouble()
    {
        lock (_changes.Gate)
        {
            if (_adapter.Fault is not null) return _adapter.Fault;
            if (_server.Violations.Count > 0) return "";
            return _adapter.IsOver ? $"The adapter ended before it was told to, at: {_doing}" : null;
        }
    }

    /// <remarks>That a subscription is ended by the close of its client may be told or not.</remarks>
    private string? Compare() => _scenario.Expect
        .Select(one => Expectations.Compare(one.Key, one.Value, _adapter.Events.Where((e, i) => Expectations.IdOf(e) == one.Key && (i < _untilClose || Expectations.KindOf(e) != "ended")), _channels.GetValueOrDefault(one.Key, ""), _server.Log))
        .FirstOrDefault(difference => difference is not null);

    private string? CompareStored() => _scenario.Stored
        .Where(one => _server.Log(one.Key).Count != one.Value)
        .Select(one => $"The log of {one.Key} should have had {one.Value} messages, and had {_server.Log(one.Key).Count}.")
        .FirstOrDefault();

    private string Details()
    {
        var text = new StringBuilder("The server:\n");
        foreach (var line in _server.Trace.TakeLast(60)) text.Append("    ").Append(line).Append('\n');
        text.Append("The adapter:\n");
        foreach (var told in _adapter.Events.TakeLast(40)) text.Append("    ").Append(Short(Json.Write(told))).Append('\n');
        if (_adapter.Errors.Count > 0) text.Append("Its standard error:\n");
        foreach (var line in _adapter.Errors) text.Append("    ").Append(Short(line)).Append('\n');
        return text.ToString();

        static string Short(string line) => line.Length <= 300 ? line : line[..300] + " …";
    }
}
