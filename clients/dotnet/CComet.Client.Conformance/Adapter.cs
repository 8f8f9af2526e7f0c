using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using CComet.Client.Connections;

namespace CComet.Client.Conformance;

/// <summary>Lets the driver of the scenarios use the client: one JSON object a line, commands in and events out.</summary>
/// <param name="input">The commands.</param>
/// <param name="output">The events.</param>
internal sealed class Adapter(TextReader input, TextWriter output) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<string, CCometSubscription> _subscriptions = new(StringComparer.Ordinal);
    private readonly List<Task> _work = [];
    private CCometClient? _client;
    private int _tokens = -1;

    /// <summary>Runs until <c>close</c> or the end of the input.</summary>
    public async Task RunAsync()
    {
        Write(new JsonObject { ["is"] = "ready", ["sdk"] = "dotnet", ["features"] = new JsonArray("stream", "poll", "token", "publish", "many", "start") });
        while (await input.ReadLineAsync() is { } line)
        {
            if (line.Length == 0) continue;
            var command = JsonNode.Parse(line)!.AsObject();
            switch (Text(command, "do"))
            {
                case "open":
                    Open(command);
                    break;
                case "subscribe":
                    Subscribe(command);
                    break;
                case "publish":
                    _work.Add(PublishAsync(command));
                    break;
                case "unsubscribe":
                    if (_subscriptions.TryGetValue(Text(command, "id")!, out var subscription)) await subscription.DisposeAsync();
                    break;
                case "close":
                    await DisposeAsync();
                    Write(new JsonObject { ["is"] = "closed" });
                    return;
                default:
                    throw new InvalidDataException($"do: '{Text(command, "do")}' is not known.");
            }
        }

        await DisposeAsync();
    }

    /// <summary>Ends the client, and waits for what its loops still tell.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_client is not null) await _client.DisposeAsync();
        await Task.WhenAll(_work);
    }

    private static string? Text(JsonObject command, string name) => (string?)command[name];

    private static TimeSpan? Milliseconds(JsonObject command, string name) => command[name] is { } value ? TimeSpan.FromMilliseconds((double)value) : null;

    private void Open(JsonObject command)
    {
        var timings = new Timings();
        timings = timings with
        {
            RetryMin = Milliseconds(command, "retryMin") ?? timings.RetryMin,
            RetryMax = Milliseconds(command, "retryMax") ?? timings.RetryMax,
            Silence = Milliseconds(command, "silence") ?? timings.Silence,
            FirstByte = Milliseconds(command, "firstByte") ?? timings.FirstByte,
        };
        var transport = Text(command, "transport");
        if (transport is not (null or "stream" or "poll")) throw new InvalidDataException($"transport: '{transport}' is not one of this client.");
        var options = new CCometClientOptions { Timings = timings, IsPolling = transport == "poll", OnRetry = retry => Console.Error.WriteLine($"again in {retry.Delay}: {retry.Exception.Message}") };
        if (command["tokens"] is JsonArray tokens)
        {
            options.Token = _ =>
            {
                Write(new JsonObject { ["is"] = "token" });
                return Task.FromResult((string?)tokens[Math.Min(Interlocked.Increment(ref _tokens), tokens.Count - 1)]);
            };
        }

        _client = new CCometClient(new Uri(Text(command, "url")!), options);
    }

    private void Subscribe(JsonObject command)
    {
        var id = Text(command, "id")!;
        var options = new SubscribeOptions { From = CCometCursor.Parse(Text(command, "from") ?? "now") };
        if ((bool?)command["onGap"] == true)
        {
            options.OnGap = gap =>
            {
                Write(Describe(id, gap));
                return Task.CompletedTask;
            };
        }

        var subscription = _client!.Subscribe(Text(command, "channel")!, options);
        _subscriptions[id] = subscription;
        _work.Add(ReadAsync(id, subscription));
    }

    private async Task ReadAsync(string id, CCometSubscription subscription)
    {
        // The loop begins when the cursor was told, so that the events have this order.
        try
        {
            Write(new JsonObject { ["is"] = "opened", ["id"] = id, ["cursor"] = (await subscription.Opened).ToString() });
        }
        catch (Exception e) when (e is OperationCanceledException or CCometException)
        {
            // The loop tells how it ended.
        }

        try
        {
            await foreach (var message in subscription)
            {
                var told = new JsonObject
                {
                    ["is"] = "message",
                    ["id"] = id,
                    ["channel"] = message.Channel,
                    ["type"] = message.Type,
                    ["msg"] = JsonNode.Parse(message.Msg.GetRawText()),
                    ["seqid"] = message.Seqid,
                    ["cursor"] = message.Cursor.ToString(),
                };
                if (message.Sname is { } sname) told["sname"] = sname;
                Write(told);
            }
        }
        catch (CCometGapException e)
        {
            Write(Describe(id, e.Gap));
        }
        catch (CCometException e)
        {
            Write(Describe(id, e));
        }

        Write(new JsonObject { ["is"] = "ended", ["id"] = id });
    }

    private async Task PublishAsync(JsonObject command)
    {
        var id = Text(command, "id")!;
        var options = new PublishOptions { Id = Text(command, "messageId"), Timeout = Milliseconds(command, "timeout") ?? TimeSpan.FromSeconds(30) };
        try
        {
            using var message = JsonDocument.Parse(command["msg"]?.ToJsonString() ?? "null");
            var receipt = await _client!.PublishAsync(Text(command, "channel")!, message.RootElement, options);
            Write(new JsonObject { ["is"] = "receipt", ["id"] = id, ["seqid"] = receipt.Seqid, ["duplicate"] = receipt.Duplicate });
        }
        catch (CCometException e)
        {
            Write(Describe(id, e));
        }
        catch (OperationCanceledException)
        {
            // Closed meanwhile.
        }
    }

    private static JsonObject Describe(string id, CCometGap gap) => new()
    {
        ["is"] = "gap",
        ["id"] = id,
        ["from"] = gap.From,
        ["to"] = gap.To,
        ["cursor"] = gap.Cursor.ToString(),
        ["reset"] = gap.IsReset,
    };

    private static JsonObject Describe(string id, CCometException e)
    {
        var told = new JsonObject { ["is"] = "refused", ["id"] = id, ["status"] = e.Status, ["code"] = e.Code, ["detail"] = e.Detail };
        if (e.Parameter is not null) told["parameter"] = e.Parameter;
        if (e.Title is not null) told["title"] = e.Title;
        return told;
    }

    private void Write(JsonObject told)
    {
        lock (_lock) output.WriteLine(told.ToJsonString());
    }
}
