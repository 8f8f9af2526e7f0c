using System.Net;
using System.Net.Http.Headers;
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
/// <param name="port">The port at which it asks.</param>
/// <param name="channel">Its channel.</param>
/// <param name="sname">The name it goes by, or null.</param>
/// <param name="checker">What it hands everything to.</param>
/// <param name="credential">What it shows; null where nothing is asked for.</param>
public sealed class Client(int port, string channel, string? sname, Checker checker, Credential? credential = null) : IDisposable
{
    /// <summary>The servers of the rig beat ten times as often.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1);

    private readonly HttpClient _http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 1 }) { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>A poll of a script that is refused is held back for a second.</summary>
    private static readonly TimeSpan SilenceOfRefusal = TimeSpan.FromSeconds(5);

    /// <summary>How the last connection ended, for who wants to know why a run does not.</summary>
    public string LastEnd { get; private set; } = "there was none";

    /// <summary>One connection, from the asking to whatever ends it.</summary>
    public async Task ConnectAsync(Transport transport, Func<bool> isDone, CancellationToken over)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(over);
        silence.CancelAfter(credential is null ? Silence : SilenceOfRefusal);
        LastEnd = $"{transport}: in good order";
        try
        {
            if (credential is { Carrier: Carrier.Ticket, Ticket: null } && !await GetTicketAsync(silence)) return;
            await (transport switch
            {
                Transport.LongPoll => PollAsync(silence),
                Transport.Jsonp => JsonpAsync(silence),
                Transport.EventStream => EventsAsync(isDone, silence),
                Transport.NdJson => LinesAsync(isDone, silence),
                _ when credential is not null => new RenewingSocket(new Uri($"ws://127.0.0.1:{port}/ws?channel={channel}"), sname, checker, credential, silence, Silence).RunAsync(isDone),
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

    private string Address(string path) => $"{path}?channel={channel}&{checker.Query}{(sname is null ? "" : $"&sname={sname}")}{(credential?.Ticket is { } ticket ? $"&ticket={ticket}" : "")}";

    private async Task<HttpResponseMessage> AskAsync(string address, CancellationTokenSource silence)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (credential is { Carrier: not Carrier.Ticket }) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", credential.Token());
        var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, silence.Token);
        if (credential is null) return answer;
        if (answer.StatusCode == HttpStatusCode.Unauthorized) credential.Refuse(401);
        else if (answer.StatusCode == HttpStatusCode.Forbidden) credential.Refuse(403);
        else if (answer.IsSuccessStatusCode && credential.Carrier != Carrier.Ticket) credential.Accept();
        return answer;
    }

    /// <summary>Gets the first ticket, or one after the last expired, by a token.</summary>
    private async Task<bool> GetTicketAsync(CancellationTokenSource silence)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/ticket") { Content = Asking.Body(credential!.TicketRequest) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", credential.NewToken());
        using var answer = await _http.SendAsync(request, silence.Token);
        if (answer.StatusCode == HttpStatusCode.ServiceUnavailable) return false;
        if (!answer.IsSuccessStatusCode) throw new PromiseBrokenException($"a ticket was refused by {(int)answer.StatusCode}");
        credential.Take(JsonDocument.Parse(await answer.Content.ReadAsStringAsync(silence.Token)).RootElement);
        return true;
    }

    internal static JsonElement[] ArrayOf(string json) => JsonSerializer.Deserialize<JsonElement[]>(json)!;

    private async Task PollAsync(CancellationTokenSource silence)
    {
        using var answer = await AskAsync(Address("/sub"), silence);
        if (!answer.IsSuccessStatusCode) return;
        var elements = ArrayOf(await answer.Content.ReadAsStringAsync(silence.Token));
        if (!elements.All(checker.Take)) return;
        var cursor = answer.Headers.GetValues("CComet-Cursor").Single().Split(':');
        checker.Place(cursor[0], long.Parse(cursor[1], System.Globalization.CultureInfo.InvariantCulture));
    }

    private async Task JsonpAsync(CancellationTokenSource silence)
    {
        using var answer = await AskAsync(Address("/sub") + "&callback=cb", silence);
        var script = await answer.Content.ReadAsStringAsync(silence.Token);
        if (!script.StartsWith("/**/cb('", StringComparison.Ordinal) || !script.EndsWith("')", StringComparison.Ordinal)) throw new PromiseBrokenException($"JSONP: {script}");
        var elements = ArrayOf(script[8..^2].Replace("\\'", "'", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal));
        if (elements is [var first, ..] && first.GetProperty("type").GetString() is "503" or "409") return;
        if (credential is not null && elements is [var refused] && refused.GetProperty("type").GetString() is "401" or "403")
        {
            credential.Refuse(int.Parse(elements[0].GetProperty("type").GetString()!, System.Globalization.CultureInfo.InvariantCulture));
            return;
        }

        credential?.Accept();
        foreach (var element in elements)
        {
            if (credential is not null && element.GetProperty("type").GetString() == "TICKET") credential.Take(element);
            else checker.Take(element);
        }
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
        string? id = null, data = null, kind = null;
        await foreach (var line in ReadLinesAsync("/sse", silence))
        {
            if (isDone()) return;
            if (line.StartsWith("id: ", StringComparison.Ordinal)) id = line[4..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal)) data = line[6..];
            else if (line.StartsWith("event: ", StringComparison.Ordinal)) kind = line[7..];
            if (line.Length > 0) continue;
            if (kind is "bye" or "close") return;
            if (kind == "ticket")
            {
                credential!.Take(JsonDocument.Parse(data!).RootElement);
                if (credential.IsToReopen()) return;
            }
            else if (kind == "refused")
            {
                credential!.Refuse(JsonDocument.Parse(data!).RootElement.GetProperty("code").GetInt32());
                return;
            }
            else if (id is not null)
            {
                if (credential?.Carrier == Carrier.Ticket) credential.Accept();
                if (data is not null && !checker.Take(JsonDocument.Parse(data).RootElement)) return;

                // Every event's id is the cursor behind it.
                var cursor = id.Split(':');
                checker.Place(cursor[0], long.Parse(cursor[1], System.Globalization.CultureInfo.InvariantCulture));
            }

            (id, data, kind) = (null, null, null);
        }
    }

    private async IAsyncEnumerable<string> ReadLinesAsync(string path, CancellationTokenSource silence)
    {
        using var answer = await AskAsync(Address(path), silence);
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
