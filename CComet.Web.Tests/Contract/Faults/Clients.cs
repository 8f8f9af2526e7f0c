using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Contract.Faults;

public enum Transport
{
    LongPoll,
    Jsonp,
    EventStream,
    NdJson,
    WebSocket,
}

/// <summary>
/// A subscriber as simple as a client can be, on any transport: it asks from its cursor, hands what comes to the checker, and
/// gives up a connection that breaks or falls silent.
/// </summary>
public sealed class Client(int port, string channel, string? sname, Checker checker) : IDisposable
{
    /// <summary>The servers of the rig beat ten times as often.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1);

    private readonly HttpClient _http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 1 }) { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>How the last connection ended, for who wants to know why a run does not.</summary>
    public string LastEnd { get; private set; } = "there was none";

    /// <summary>One connection, from the asking to whatever ends it.</summary>
    public async Task ConnectAsync(Transport transport, Func<bool> isDone, CancellationToken over)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(over);
        silence.CancelAfter(Silence);
        LastEnd = $"{transport}: in good order";
        try
        {
            await (transport switch
            {
                Transport.LongPoll => PollAsync(silence),
                Transport.Jsonp => JsonpAsync(silence),
                Transport.EventStream => EventsAsync(isDone, silence),
                Transport.NdJson => LinesAsync(isDone, silence),
                _ => SocketAsync(isDone, silence),
            });
        }
        catch (Exception e) when (e is HttpRequestException or SocketException or IOException or OperationCanceledException or WebSocketException)
        {
            // The connection broke: the next one goes on from the cursor.
            LastEnd = $"{transport}: {e.GetType().Name}: {e.Message} {(over.IsCancellationRequested ? "when all was over" : silence.IsCancellationRequested ? "for silence" : "")} {e.InnerException?.Message}";
            if (e is HttpRequestException or SocketException or WebSocketException) await Backoff.WaitAsync(over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose() => _http.Dispose();

    private string Address(string path) => $"{path}?channel={channel}&{checker.Query}{(sname is null ? "" : $"&sname={sname}")}";

    private static JsonElement[] ArrayOf(string json) => JsonSerializer.Deserialize<JsonElement[]>(json)!;

    private async Task PollAsync(CancellationTokenSource silence)
    {
        using var answer = await _http.GetAsync(new Uri(Address("/sub"), UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, silence.Token);
        if (!answer.IsSuccessStatusCode) return;
        var elements = ArrayOf(await answer.Content.ReadAsStringAsync(silence.Token));
        if (!elements.All(checker.Take)) return;
        var cursor = answer.Headers.GetValues("CComet-Cursor").Single().Split(':');
        checker.Place(cursor[0], long.Parse(cursor[1], System.Globalization.CultureInfo.InvariantCulture));
    }

    private async Task JsonpAsync(CancellationTokenSource silence)
    {
        using var answer = await _http.GetAsync(new Uri(Address("/sub") + "&callback=cb", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, silence.Token);
        var script = await answer.Content.ReadAsStringAsync(silence.Token);
        if (!script.StartsWith("/**/cb('", StringComparison.Ordinal) || !script.EndsWith("')", StringComparison.Ordinal)) throw new PromiseBrokenException($"JSONP: {script}");
        var elements = ArrayOf(script[8..^2].Replace("\\'", "'", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal));
        if (elements is [var first, ..] && first.GetProperty("type").GetString() is "503" or "409") return;
        foreach (var element in elements) checker.Take(element);
    }

    private async Task LinesAsync(Func<bool> isDone, CancellationTokenSource silence)
    {
        await foreach (var line in ReadLinesAsync("/stream", silence))
        {
            if (!checker.Take(JsonDocument.Parse(line).RootElement) || isDone()) return;
        }
    }

    private async Task EventsAsync(Func<bool> isDone, CancellationTokenSource silence)
    {
        string? id = null, data = null;
        await foreach (var line in ReadLinesAsync("/sse", silence))
        {
            if (isDone()) return;
            if (line.StartsWith("id: ", StringComparison.Ordinal)) id = line[4..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal)) data = line[6..];
            if (line.Length > 0 || id is null) continue;
            if (data is not null && !checker.Take(JsonDocument.Parse(data).RootElement)) return;

            // Every event's id is the cursor behind it.
            var cursor = id.Split(':');
            checker.Place(cursor[0], long.Parse(cursor[1], System.Globalization.CultureInfo.InvariantCulture));
            (id, data) = (null, null);
        }
    }

    private async IAsyncEnumerable<string> ReadLinesAsync(string path, CancellationTokenSource silence)
    {
        using var answer = await _http.GetAsync(new Uri(Address(path), UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, silence.Token);
        if (!answer.IsSuccessStatusCode) yield break;
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(silence.Token), Encoding.UTF8);
        while (await reader.ReadLineAsync(silence.Token) is { } line)
        {
            silence.CancelAfter(Silence);
            yield return line;
        }
    }

    private async Task SocketAsync(Func<bool> isDone, CancellationTokenSource silence)
    {
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{port}{Address("/ws")}"), silence.Token);
        var buffer = new byte[64 << 10];
        using var message = new MemoryStream();
        while (!isDone())
        {
            // Pings do not show here: the rig's publishers never pause for as long as the silence is.
            var read = await socket.ReceiveAsync(buffer, silence.Token);
            if (read.MessageType == WebSocketMessageType.Close) return;
            message.Write(buffer, 0, read.Count);
            if (!read.EndOfMessage) continue;
            silence.CancelAfter(Silence);
            var elements = ArrayOf(Encoding.UTF8.GetString(message.ToArray()));
            message.SetLength(0);
            if (!elements.All(checker.Take)) return;
        }
    }
}
