using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

namespace CComet.Cli.Diagnosis;

/// <summary>Tries each transport on a channel of its own, all at the same time.</summary>
internal sealed class Doctor : IDisposable
{
    private static readonly TimeSpan FirstByteLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan DeliveryLimit = TimeSpan.FromSeconds(5);

    /// <summary>A poll that is answered so much before its time was cut on the way.</summary>
    private static readonly TimeSpan EarlyLimit = TimeSpan.FromSeconds(0.5);

    /// <summary>The longest that the server holds a poll, in seconds.</summary>
    private const double MaxPoll = 28;

    private const string ForeignCursor = "doctor:9";

    private readonly HttpClient _http;
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly string _base;
    private readonly string? _token;
    private readonly string _channel;
    private readonly TimeSpan _wait;

    /// <param name="url">The server.</param>
    /// <param name="token">The token, or null.</param>
    /// <param name="channel">How its channels begin.</param>
    /// <param name="wait">How long each connection is left idle.</param>
    public Doctor(Uri url, string? token, string channel, TimeSpan wait)
    {
        _base = url.GetLeftPart(UriPartial.Path).TrimEnd('/');
        (_token, _channel, _wait) = (token, channel, wait);
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, AutomaticDecompression = DecompressionMethods.None }) { Timeout = Timeout.InfiniteTimeSpan };
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Examines the way to the server.</summary>
    public async Task<Report> ExamineAsync(CancellationToken cancellation)
    {
        var findings = new List<string>();
        await GreetAsync(findings, cancellation);
        Task<Probe>[] probing =
        [
            GuardAsync("stream", (probe, over) => ReadLinesAsync(probe, "stream", over), cancellation),
            GuardAsync("sse", (probe, over) => ReadLinesAsync(probe, "sse", over), cancellation),
            GuardAsync("websocket", SpeakAsync, cancellation),
            GuardAsync("poll", PollAsync, cancellation),
        ];
        await Task.WhenAll([.. probing, LookAtEventsAsync(findings, cancellation)]);
        var probes = await Task.WhenAll(probing);
        return new Report(probes.FirstOrDefault(probe => probe.Works)?.Transport, findings, probes);
    }

    private static async Task<Probe> GuardAsync(string transport, Func<Probe, CancellationToken, Task> examine, CancellationToken cancellation)
    {
        var probe = new Probe(transport);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            await examine(probe, over.Token);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or WebSocketException or TimeoutException)
        {
            probe.Works = false;
            probe.Findings.Add(e is TimeoutException ? "nothing came in time." : $"failed: {e.Message}");
        }
        finally
        {
            await over.CancelAsync();
        }

        return probe;
    }

    /// <summary>Is it there, what is in between, and which HTTP does it speak?</summary>
    private async Task GreetAsync(List<string> findings, CancellationToken cancellation)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"{_base}/health/live") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
            var begun = _time.GetTimestamp();
            using var response = await _http.SendAsync(request, cancellation).WaitAsync(FirstByteLimit, cancellation);
            findings.Add(string.Create(CultureInfo.InvariantCulture, $"/health/live: {(int)response.StatusCode} in {_time.GetElapsedTime(begun).TotalMilliseconds:0} ms by HTTP/{response.Version}."));
            if (response.StatusCode is >= HttpStatusCode.MultipleChoices and < HttpStatusCode.BadRequest) findings.Add($"It redirects to {response.Headers.Location}: use that address.");
            if (response.Headers.Server.Count > 0) findings.Add($"Server: {response.Headers.Server}.");
            if (response.Headers.Via.Count > 0) findings.Add($"Via: {response.Headers.Via}.");
            if (response.Version.Major < 2) findings.Add("HTTP/1.1: a browser opens six connections to it at most, for all its tabs together.");
        }
        catch (HttpRequestException e)
        {
            throw new CliException($"the server cannot be reached: {e.Message}");
        }
        catch (TimeoutException)
        {
            throw new CliException($"the server did not answer within {FirstByteLimit.TotalSeconds} s.");
        }
    }

    /// <summary>What becomes of the headers of an event stream, both ways, and is it compressed?</summary>
    private async Task LookAtEventsAsync(List<string> findings, CancellationToken cancellation)
    {
        try
        {
            using var request = Create(HttpMethod.Get, $"sse?channel={Uri.EscapeDataString($"{_channel}-headers")}");
            request.Headers.TryAddWithoutValidation("Last-Event-ID", ForeignCursor);
            request.Headers.AcceptEncoding.ParseAdd("gzip, br");
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation).WaitAsync(FirstByteLimit, cancellation);
            if (!response.IsSuccessStatusCode) return;
            var encoding = string.Join(", ", response.Content.Headers.ContentEncoding);
            if (encoding.Length > 0) findings.Add($"Something on the way compresses event streams ({encoding}), which holds events back: have it leave text/event-stream alone.");
            if (response.Headers.CacheControl is not { NoCache: true, NoTransform: true }) findings.Add("Something on the way rewrites Cache-Control of event streams.");
            if (response.Content.Headers.ContentType?.MediaType != "text/event-stream") findings.Add($"Something on the way rewrites Content-Type of event streams to {response.Content.Headers.ContentType}.");
            if (encoding.Length > 0) return;
            using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(cancellation));
            while (await lines.ReadLineAsync(cancellation).AsTask().WaitAsync(FirstByteLimit, cancellation) is { } line)
            {
                if (!line.StartsWith("id:", StringComparison.Ordinal)) continue;
                if (!line.Contains(ForeignCursor, StringComparison.Ordinal)) findings.Add("Something on the way strips Last-Event-ID of requests: an EventSource that reconnects would miss messages.");
                return;
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException)
        {
            // The transport's own probe tells of it.
        }
    }

    private async Task ReadLinesAsync(Probe probe, string verb, CancellationToken over)
    {
        var channel = $"{_channel}-{probe.Transport}";
        using var request = Create(HttpMethod.Get, $"{verb}?channel={Uri.EscapeDataString(channel)}");
        var begun = _time.GetTimestamp();
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, over).WaitAsync(FirstByteLimit, over);
        }
        catch (TimeoutException)
        {
            probe.Findings.Add(Collected);
            return;
        }

        using (response)
        {
            if (!await IsAcceptedAsync(response, probe, over)) return;
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(over), Encoding.UTF8, false, 1024);
            await ListenAsync(probe, channel, begun, () => reader.ReadLineAsync(over).AsTask(), line => verb == "sse" ? line.StartsWith(':') : line.Contains("\"CURSOR\"", StringComparison.Ordinal), over);
        }
    }

    private async Task SpeakAsync(Probe probe, CancellationToken over)
    {
        var channel = $"{_channel}-{probe.Transport}";
        using var socket = new ClientWebSocket();
        if (_token is not null) socket.Options.SetRequestHeader("Authorization", $"Bearer {_token}");
        var begun = _time.GetTimestamp();
        await socket.ConnectAsync(new Uri($"ws{_base[4..]}/ws?channel={Uri.EscapeDataString(channel)}"), over).WaitAsync(FirstByteLimit, over);
        var buffer = new byte[16 * 1024];
        await ListenAsync(probe, channel, begun, ReceiveAsync, line => line == "[]", over);

        async Task<string?> ReceiveAsync()
        {
            var text = new StringBuilder();
            while (true)
            {
                var frame = await socket.ReceiveAsync(buffer, over);
                if (frame.MessageType == WebSocketMessageType.Close) return null;
                text.Append(Encoding.UTF8.GetString(buffer, 0, frame.Count));
                if (frame.EndOfMessage) return text.ToString();
            }
        }
    }

    /// <summary>Times the first byte, a message, and the signs of life of what stays open.</summary>
    private async Task ListenAsync(Probe probe, string channel, long begun, Func<Task<string?>> read, Func<string, bool> isHeartbeat, CancellationToken over)
    {
        var reading = read();
        try
        {
            if (await reading.WaitAsync(FirstByteLimit, over) is null)
            {
                probe.Findings.Add("the connection was closed before anything came.");
                return;
            }
        }
        catch (TimeoutException)
        {
            probe.Findings.Add(Collected);
            return;
        }

        probe.FirstByte = _time.GetElapsedTime(begun);
        reading = read();
        var published = _time.GetTimestamp();
        var isPublished = await TryPublishAsync(probe, channel, over);
        while (isPublished && probe.Delivery is null)
        {
            var left = DeliveryLimit - _time.GetElapsedTime(published);
            if (left <= TimeSpan.Zero || await Task.WhenAny(reading, Task.Delay(left, over)) != reading)
            {
                probe.Findings.Add($"a message did not come within {DeliveryLimit.TotalSeconds} s: something on the way collects what is sent (buffering).");
                return;
            }

            if (await reading is not { } line)
            {
                probe.Findings.Add("the connection was closed before the message came.");
                return;
            }

            if (line.Contains(channel, StringComparison.Ordinal) && line.Contains("\"MSG\"", StringComparison.Ordinal)) probe.Delivery = _time.GetElapsedTime(published);
            reading = read();
        }

        probe.Works = true;
        var quiet = _time.GetTimestamp();
        while (true)
        {
            var left = _wait - _time.GetElapsedTime(quiet);
            if (left <= TimeSpan.Zero || await Task.WhenAny(reading, Task.Delay(left, over)) != reading) break;
            string? line;
            try
            {
                line = await reading;
            }
            catch (Exception e) when (e is IOException or HttpRequestException or WebSocketException)
            {
                line = null;
            }

            if (line is null)
            {
                probe.Works = false;
                probe.Findings.Add(string.Create(CultureInfo.InvariantCulture, $"something cut the idle connection after {_time.GetElapsedTime(quiet).TotalSeconds:0.0} s; the server gives a sign of life every 15 s."));
                return;
            }

            if (isHeartbeat(line)) probe.Heartbeat ??= _time.GetElapsedTime(quiet);
            reading = read();
        }

        if (probe.Heartbeat is null && _wait > TimeSpan.FromSeconds(16)) probe.Findings.Add($"no sign of life came within {_wait.TotalSeconds:0} s (CComet:Stream:Heartbeat, 15 s by default): a proxy that cuts what is idle may cut it.");
    }

    private async Task PollAsync(Probe probe, CancellationToken over)
    {
        var channel = Uri.EscapeDataString($"{_channel}-{probe.Transport}");
        var begun = _time.GetTimestamp();
        using var first = await _http.SendAsync(Create(HttpMethod.Get, $"sub?channel={channel}&wait=0"), over).WaitAsync(FirstByteLimit, over);
        if (!await IsAcceptedAsync(first, probe, over)) return;
        probe.FirstByte = _time.GetElapsedTime(begun);
        if (!first.Headers.TryGetValues("CComet-Cursor", out var cursors))
        {
            probe.Findings.Add("something on the way strips CComet-Cursor: a client cannot know where it stands.");
            return;
        }

        if (first.Headers.CacheControl is not { NoStore: true }) probe.Findings.Add("something on the way rewrites Cache-Control: it may answer out of a cache.");
        var cursor = cursors.First();
        var waiting = _http.SendAsync(Create(HttpMethod.Get, $"sub?channel={channel}&cursor={Uri.EscapeDataString(cursor)}&wait={MaxPoll}"), over);
        var published = _time.GetTimestamp();
        if (await TryPublishAsync(probe, $"{_channel}-{probe.Transport}", over))
        {
            using var second = await waiting.WaitAsync(DeliveryLimit, over);
            if (!await IsAcceptedAsync(second, probe, over)) return;
            probe.Delivery = _time.GetElapsedTime(published);
            cursor = second.Headers.TryGetValues("CComet-Cursor", out var next) ? next.First() : cursor;
        }

        var hold = Math.Min(MaxPoll, Math.Max(1, Math.Floor(_wait.TotalSeconds)));
        var held = _time.GetTimestamp();
        using var third = await _http.SendAsync(Create(HttpMethod.Get, string.Create(CultureInfo.InvariantCulture, $"sub?channel={channel}&cursor={Uri.EscapeDataString(cursor)}&wait={hold}")), over).WaitAsync(TimeSpan.FromSeconds(hold) + FirstByteLimit, over);
        var took = _time.GetElapsedTime(held);
        if (!third.IsSuccessStatusCode) probe.Findings.Add(string.Create(CultureInfo.InvariantCulture, $"something on the way cut a waiting poll after {took.TotalSeconds:0.0} s (HTTP {(int)third.StatusCode})."));
        else if (took < TimeSpan.FromSeconds(hold) - EarlyLimit) probe.Findings.Add(string.Create(CultureInfo.InvariantCulture, $"a poll was held for {took.TotalSeconds:0.0} s instead of {hold:0} s (CComet:Poll:Timeout, 28 s by default)."));
        probe.Works = third.IsSuccessStatusCode;
    }

    private const string Collected = "not a byte came within 10 s: something on the way collects the answer (nginx: proxy_buffering off, or let it obey X-Accel-Buffering).";

    private async Task<bool> TryPublishAsync(Probe probe, string channel, CancellationToken over)
    {
        using var request = Create(HttpMethod.Post, "pub");
        request.Content = new StringContent(new JsonObject { ["channel"] = channel, ["msg"] = "doctor" }.ToJsonString(), new MediaTypeHeaderValue("application/json"));
        using var response = await _http.SendAsync(request, over).WaitAsync(FirstByteLimit, over);
        if (response.IsSuccessStatusCode) return true;
        probe.Findings.Add($"the publish was refused (HTTP {(int)response.StatusCode}), so that no message was timed.");
        return false;
    }

    private static async Task<bool> IsAcceptedAsync(HttpResponseMessage response, Probe probe, CancellationToken over)
    {
        if (response.IsSuccessStatusCode) return true;
        string? detail = null;
        try
        {
            detail = (string?)JsonNode.Parse(await response.Content.ReadAsStringAsync(over))?["detail"];
        }
        catch (Exception e) when (e is System.Text.Json.JsonException or InvalidOperationException)
        {
            // Something on the way answered.
        }

        probe.Findings.Add($"refused (HTTP {(int)response.StatusCode}): {detail ?? "the answer is none of CComet"}");
        return false;
    }

    private HttpRequestMessage Create(HttpMethod method, string path)
    {
        var request = new HttpRequestMessage(method, $"{_base}/{path}");
        if (_token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _token);
        return request;
    }
}
