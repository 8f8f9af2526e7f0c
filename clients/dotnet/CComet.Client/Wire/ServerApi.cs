using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using CComet.Client.Connections;

namespace CComet.Client.Wire;

/// <summary>The requests of the wire, and how its refusals are read.</summary>
internal sealed class ServerApi : IDisposable
{
    /// <summary>How many seconds a long poll is held; the server may hold it for less.</summary>
    private const int PollSeconds = 28;

    /// <summary>The most bytes of a refusal that are read.</summary>
    private const int MaxProblem = 64 * 1024;

    /// <summary>What a poll may hold besides its longest message, in bytes.</summary>
    private const int PollSlack = 8 * 1024 * 1024;

    /// <summary>What a line has besides the message, in bytes: names of 200 characters, each up to 12 bytes of JSON.</summary>
    private const int Envelope = 16 * 1024;

    private const string ProblemPrefix = "urn:ccomet:error:";

    private readonly CCometClientOptions _options;
    private readonly string _base;
    private readonly HttpClient? _own;
    private readonly Func<HttpClient> _http;

    public ServerApi(Uri url, CCometClientOptions options)
    {
        Check.NotNull(url, nameof(url));
        if (!url.IsAbsoluteUri || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps)) throw new ArgumentException($"url: '{url}' is no absolute http or https address.", nameof(url));
        _base = url.GetLeftPart(UriPartial.Path).TrimEnd('/');
        _options = options;
        _own = options.HttpClientFactory is null ? CreateClient() : null;
        _http = options.HttpClientFactory ?? (() => _own!);
        Tokens = new TokenCache(options);
    }

    public TokenCache Tokens { get; }

    public TimeProvider Time => _options.TimeProvider;

    public Timings Timings => _options.Timings;

    public CCometClientOptions Options => _options;

    public void Dispose() => _own?.Dispose();

    /// <summary>Opens a stream.</summary>
    public Task<HttpResponseMessage> OpenStreamAsync(IReadOnlyList<CCometSubscription> members, string? token, CancellationToken cancellation) =>
        SendAsync(Get("stream", members, "", token), HttpCompletionOption.ResponseHeadersRead, cancellation);

    public LineReader ReadLines(Stream stream) => new(stream, _options.MaxMessageBytes + Envelope);

    /// <summary>Asks by a long poll.</summary>
    /// <returns>What came, the cursors behind it in the order of the members, and after how long the server asks to be asked again.</returns>
    public async Task<(WireItem[] Items, string? Cursors, TimeSpan? Retry)> PollAsync(IReadOnlyList<CCometSubscription> members, bool isWaiting, string? token, CancellationToken cancellation)
    {
        using var response = await SendAsync(Get("sub", members, isWaiting ? $"&wait={PollSeconds}" : "&wait=0", token), HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode) throw await ReadRefusalAsync(response, token, cancellation).ConfigureAwait(false);
        var body = await ReadAsync(response, (long)_options.MaxMessageBytes + PollSlack, cancellation).ConfigureAwait(false);
        var items = Parse(body, WireJson.Default.WireItemArray);
        var retry = double.TryParse(Header(response, "CComet-Retry"), NumberStyles.Float, CultureInfo.InvariantCulture, out var ms) ? PauseOf(ms) : null;
        return (items, Header(response, "CComet-Cursor"), retry);
    }

    /// <summary>Asks whether one subscription alone is refused.</summary>
    /// <exception cref="CCometException">It is, or nobody knows.</exception>
    public async Task ProbeAsync(CCometSubscription member, string? token, CancellationToken cancellation)
    {
        using var response = await SendAsync(Get("sub", [member], "&wait=0", token), HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode) throw await ReadRefusalAsync(response, token, cancellation).ConfigureAwait(false);
    }

    /// <summary>Publishes once.</summary>
    /// <exception cref="CCometException">It was refused, or the answer is none of CComet.</exception>
    public async Task<CCometReceipt> PublishAsync(string channel, byte[] body, string? token, CancellationToken cancellation)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        var request = Create(HttpMethod.Post, "pub", token);
        request.Content = content;
        using var response = await SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode) throw await ReadRefusalAsync(response, token, cancellation).ConfigureAwait(false);
        var items = Parse(await ReadAsync(response, MaxProblem, cancellation).ConfigureAwait(false), WireJson.Default.WireItemArray);
        if (items.Length != 1) throw NoAnswer(response);
        var item = items[0];
        if (item.Refusal is not null) throw RefusalOf(item, token);
        return item is { Epoch: { } epoch, Seqid: { } seqid } ? new CCometReceipt(item.Channel ?? channel, epoch, seqid, item.Duplicate ?? false) : throw NoAnswer(response);
    }

    /// <summary>Reads JSON that the server sent.</summary>
    /// <exception cref="CCometException">It is none.</exception>
    public static T Parse<T>(ReadOnlyMemory<byte> json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(json.Span, type) ?? throw new CCometException("What came is no answer of CComet.");
        }
        catch (JsonException e)
        {
            throw new CCometException("What came is no answer of CComet.", innerException: e);
        }
    }

    /// <summary>Reads a refusal that came as an item.</summary>
    public static CCometException RefusalOf(WireItem item, string? token)
    {
        var code = item.Refusal!.Value;
        return new CCometException(item.Reason ?? $"The server refused ({code}).", code == 402 ? 409 : code, item.Type) { Channel = item.Channel, Token = token };
    }

    /// <summary>Reads why an answer is a refusal.</summary>
    public async Task<CCometException> ReadRefusalAsync(HttpResponseMessage response, string? token, CancellationToken cancellation)
    {
        var status = (int)response.StatusCode;
        ReadOnlyMemory<byte> body;
        try
        {
            body = await ReadAsync(response, MaxProblem, cancellation).ConfigureAwait(false);
        }
        catch (CCometException)
        {
            body = default;
        }

        var after = RetryAfter(response);
        try
        {
            if (!body.IsEmpty && body.Span[0] == '[')
            {
                // A poll that was replaced is a 409 whose body is an array.
                if (JsonSerializer.Deserialize(body.Span, WireJson.Default.WireItemArray) is { Length: > 0 } items && items[0].Refusal is not null) return RefusalOf(items[0], token);
            }
            else if (!body.IsEmpty && JsonSerializer.Deserialize(body.Span, WireJson.Default.Problem) is { Detail: { } detail } problem)
            {
                var code = problem.Type?.StartsWith(ProblemPrefix, StringComparison.Ordinal) == true ? problem.Type.Substring(ProblemPrefix.Length) : problem.Code.ValueKind == JsonValueKind.String ? problem.Code.GetString() : null;
                return new CCometException(detail, status, code, problem.Parameter, problem.Title) { RetryAfter = after, Token = token };
            }
        }
        catch (JsonException)
        {
            // Something between here and the server answered.
        }

        return new CCometException($"The answer is none of CComet (HTTP {status}).", status) { RetryAfter = after, Token = token };
    }

    /// <summary>A pause that the server told in milliseconds, bounded; null when it is none.</summary>
    public TimeSpan? PauseOf(double? milliseconds) =>
        milliseconds is >= 0 ? TimeSpan.FromMilliseconds(Math.Min(milliseconds.Value, Timings.MaxPause.TotalMilliseconds)) : null;

    /// <summary>Turns what a request threw into what the caller is told.</summary>
    public static CCometException Unreachable(Exception cause) => cause as CCometException ?? new CCometException($"The server cannot be reached: {cause.Message}", innerException: cause);

    private static CCometException NoAnswer(HttpResponseMessage response) => new($"The answer is none of CComet (HTTP {(int)response.StatusCode}).");

    private static string? Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out var values) ? string.Join(",", values) : null;

    private static HttpClient CreateClient()
    {
#if NET
        // A connection is given up after a while so that a change of DNS is seen; a stream on it goes on.
        var handler = new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5), UseCookies = false };
#else
        // The default on .NET Framework is 2, which the stream and its successor would use up.
        var handler = new HttpClientHandler { MaxConnectionsPerServer = 64, UseCookies = false };
#endif
        return new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpResponseMessage response, long limit, CancellationToken cancellation)
    {
#if NET
        using var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
#else
        // A read does not end by its token on every handler.
        using var registration = cancellation.Register(static response => ((HttpResponseMessage)response!).Dispose(), response);
        using var stream = await response.Content.ReadAsStreamAsync().ConfigureAwait(false);
#endif
        using var body = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (true)
        {
#if NET
            var read = await stream.ReadAsync(buffer.AsMemory(), cancellation).ConfigureAwait(false);
#else
            var read = await stream.ReadAsync(buffer, 0, buffer.Length, cancellation).ConfigureAwait(false);
#endif
            if (read == 0) break;
            if (body.Length + read > limit) throw new CCometException($"The answer is longer than {limit:N0} bytes.") { IsHopeless = true };
            body.Write(buffer, 0, read);
        }

        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => PauseOf(delta.TotalMilliseconds),
        { Date: { } date } => TimeSpan.FromTicks(Math.Min(Math.Max(0, (date - Time.GetUtcNow()).Ticks), Timings.MaxPauseToDate.Ticks)),
        _ => null,
    };

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, HttpCompletionOption completion, CancellationToken cancellation)
    {
        using (request) return await _http().SendAsync(request, completion, cancellation).ConfigureAwait(false);
    }

    private HttpRequestMessage Get(string verb, IReadOnlyList<CCometSubscription> members, string more, string? token)
    {
        var query = new StringBuilder(verb);
        for (var i = 0; i < members.Count; i++) query.Append(i == 0 ? '?' : '&').Append("channel=").Append(Uri.EscapeDataString(members[i].Channel));
        foreach (var member in members)
        {
            var (epoch, next) = member.Position;

            // Among several channels an empty value keeps the place; of one channel it would be a mistake.
            if (members.Count > 1 || next is not null) query.Append("&seqid=").Append(next?.ToString(CultureInfo.InvariantCulture));
            if (members.Count > 1 || epoch is not null) query.Append("&epoch=").Append(Uri.EscapeDataString(epoch ?? ""));
        }

        return Create(HttpMethod.Get, query.Append(more).ToString(), token);
    }

    private HttpRequestMessage Create(HttpMethod method, string path, string? token)
    {
        var request = new HttpRequestMessage(method, $"{_base}/{path}");
        foreach (var header in _options.Headers) request.Headers.TryAddWithoutValidation(header.Key, header.Value);
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return request;
    }
}
