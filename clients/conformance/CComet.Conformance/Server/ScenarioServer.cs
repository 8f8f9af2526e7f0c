using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using CComet.Conformance.Scenarios;

namespace CComet.Conformance.Server;

/// <summary>The server of one scenario: it serves its logs as the wire's contract says, but for the answers that the scenario has scripted.</summary>
/// <remarks>One instance serves one play. All state is under <see cref="Changes.Gate"/>; nothing waits for time, only for requests, steps and ends of connections.</remarks>
internal sealed partial class ScenarioServer : IAsyncDisposable
{
    private static readonly string[] TokenParameters = ["token", "access_token", "jwt"];

    private readonly Changes _changes;
    private readonly ServerScript _script;
    private readonly Listener _listener = new();
    private readonly Listener _elsewhere = new();
    private readonly CancellationTokenSource _end = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    private readonly Dictionary<string, ChannelLog> _logs = [];
    private readonly Queue<ScriptedAnswer> _next = [];
    private readonly Queue<ScriptedAnswer> _nextPublish = [];
    private readonly List<Subscription> _open = [];
    private readonly HashSet<string> _closed = [];
    private readonly HashSet<WireConnection> _connections = [];
    private readonly List<Task> _tasks = [];
    private readonly List<string> _violations = [];
    private readonly List<string> _trace = [];
    private IReadOnlyList<string>? _accepts;
    private int _requests;
    private TimeSpan _quietUntil;
    private TimeSpan _quietPublishUntil;

    public ScenarioServer(ServerScript script, Changes changes)
    {
        (_script, _changes) = (script, changes);
        _accepts = script.Accepts;
        foreach (var (name, log) in script.Channels)
        {
            var added = _logs[name] = new ChannelLog(name, log.Epoch, 0);
            added.Append(log.Messages);
            if (log.First > 0) added.Trim(log.First);
        }

        Queue(_next, script.Next);
        Queue(_nextPublish, script.NextPublish);
        lock (_changes.Gate)
        {
            Accept(_listener, ServeAsync);
            Accept(_elsewhere, ServeElsewhereAsync);
        }
    }

    /// <summary>Where the client is to connect.</summary>
    public string Url => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_listener.Port}");

    /// <summary>What the client has done that it must not, in order. Read under the gate.</summary>
    public IReadOnlyList<string> Violations => _violations;

    /// <summary>What came and what was done, for the report of a failure. Read under the gate.</summary>
    public IReadOnlyList<string> Trace => _trace;

    /// <summary>How many subscribers' requests have come. Read under the gate.</summary>
    public int Requests => _requests;

    /// <summary>Scripted answers that no request has come for. Read under the gate.</summary>
    public int Unused => _next.Count + _nextPublish.Count;

    /// <summary>The log of a channel, made when there is none. Call it under the gate.</summary>
    public ChannelLog Log(string channel) => _logs.TryGetValue(channel, out var log) ? log : _logs[channel] = new ChannelLog(channel, "e1", 0);

    /// <summary>Whether so many subscribers are connected, and each has been told all there is. Call it under the gate.</summary>
    public bool HasHeld(int subscribers) => _open.Count == subscribers && _open.TrueForAll(one => one.IsHeld);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        _elsewhere.Dispose();
        List<Task> tasks;
        lock (_changes.Gate)
        {
            foreach (var connection in _connections) connection.Dispose();
            tasks = [.. _tasks];
        }

        await Task.WhenAll(tasks);
        _end.Dispose();
    }

    /// <summary>Notes that the client has done what it must not. Call it under the gate.</summary>
    private void Violated(string what)
    {
        _violations.Add(what);
        Note($"!! {what}");
    }

    private void Note(string line) => _trace.Add(string.Create(CultureInfo.InvariantCulture, $"{_clock.ElapsedMilliseconds,6} {line}"));

    private void Accept(Listener listener, Func<WireConnection, Task> serve)
    {
        var socket = listener.Open();
        _tasks.Add(Task.Run(async () =>
        {
            try
            {
                for (; ; )
                {
                    var accepted = await socket.AcceptAsync(_end.Token);
                    var connection = new WireConnection(accepted, _end.Token);
                    lock (_changes.Gate)
                    {
                        _connections.Add(connection);
                        _tasks.Add(Task.Run(() => RunAsync(connection, serve)));
                    }
                }
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // The play is over, or the server is away.
            }
        }));
    }

    private async Task RunAsync(WireConnection connection, Func<WireConnection, Task> serve)
    {
        try
        {
            await serve(connection);
        }
        catch (CutException)
        {
            await Quietly(connection.CutAsync);
        }
        catch (Exception e) when (e is ConnectionEndedException or OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The client has gone, or the play is over.
        }
        catch (Exception e)
        {
            lock (_changes.Gate)
            {
                Violated($"The driver could not serve this: {e}");
                _changes.Tell();
            }
        }
        finally
        {
            connection.Dispose();
            lock (_changes.Gate) _connections.Remove(connection);
        }

        static async Task Quietly(Func<Task> work)
        {
            try
            {
                await work();
            }
            catch (Exception e) when (e is ConnectionEndedException or OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // It was to end anyway.
            }
        }
    }

    /// <summary>Serves the requests of one connection, one after another.</summary>
    private async Task ServeAsync(WireConnection connection)
    {
        while (await connection.ReadRequestAsync() is { } request)
        {
            lock (_changes.Gate)
            {
                Note($"<- {request}");
                if (TokenParameters.Any(name => request.One(name) is not null)) Violated($"A token is in the address: {request.Target}");
            }

            var keeps = (request.Method, request.Path) switch
            {
                ("GET", "/sub" or "/sse" or "/stream" or "/ws") => await SubscribeAsync(connection, request),
                ("POST", "/pub") => await PublishAsync(connection, request),
                ("GET", "/pub") when request.Callback is not null => await PublishAsync(connection, request),
                ("POST", "/ticket") => await TicketAsync(connection, request),
                _ => await UnknownAsync(connection, request),
            };
            if (!keeps)
            {
                await connection.CutAsync();
                return;
            }
        }
    }

    private async Task<bool> UnknownAsync(WireConnection connection, WireRequest request)
    {
        lock (_changes.Gate) Violated($"The server has nothing there: {request.Method} {request.Path}");
        return await RefuseAsync(connection, request, new ScriptedAnswer { Status = 404, Problem = new Problem { Code = "404", Detail = "There is no such path." } }, _script.Style);
    }

    /// <summary>The other host, to which an answer has redirected: it must not be shown who the client is.</summary>
    private async Task ServeElsewhereAsync(WireConnection connection)
    {
        while (await connection.ReadRequestAsync() is { } request)
        {
            lock (_changes.Gate)
            {
                Note($"<- at the other host: {request}");
                if (request.Header("Authorization") is not null || request.One("ticket") is not null) Violated("The client has shown its token to another host, to which an answer had redirected it.");
                _changes.Tell();
            }

            await new AnswerWriter(connection, new Style(), null).WriteAsync(503, [new("Content-Type", "text/plain")], "Nothing is here.\n");
        }
    }

    /// <summary>Whether a request shows that it may; a script that says nothing of it lets all in. Call it under the gate.</summary>
    private bool IsLetIn(WireRequest request) =>
        _accepts is null || _accepts.Contains(request.Bearer) || request.All("ticket").Any(ticket => _accepts.Contains(ticket.Replace("ticket-for-", "", StringComparison.Ordinal)));

    private static void Queue(Queue<ScriptedAnswer> queue, IEnumerable<ScriptedAnswer> answers)
    {
        foreach (var answer in answers)
        {
            if (answer.CutBetween is not { } range)
            {
                queue.Enqueue(answer);
                continue;
            }

            // A generator of its own, so that a seed means the same bytes on every version of .NET.
            var state = (uint)range.Seed;
            for (var i = 0; i < range.Times; i++)
            {
                state = (state * 1_664_525u) + 1_013_904_223u;
                queue.Enqueue(answer with { CutBetween = null, CutAt = range.From + (int)((state >> 8) % (uint)(range.To - range.From + 1)), Ends = true });
            }
        }
    }

    private void Append(IEnumerable<KeyValuePair<string, JsonElement>> messages)
    {
        foreach (var (channel, added) in messages) Log(channel).Append(added);
    }
}
