using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace CComet.Web.Tests.Support;

/// <summary>One event of a stream of server-sent events, as it came.</summary>
/// <param name="Text">All of its lines, the empty one at its end included.</param>
/// <param name="Fields">Its fields by name.</param>
public sealed record ServerEvent(string Text, IReadOnlyDictionary<string, string> Fields)
{
    public string? Id => Fields.GetValueOrDefault("id");

    public string? Event => Fields.GetValueOrDefault("event");

    public string? Retry => Fields.GetValueOrDefault("retry");

    /// <summary>The data as JSON.</summary>
    public JsonElement Data => JsonDocument.Parse(Fields["data"]).RootElement;

    /// <summary>The seqid in the data.</summary>
    public long Seqid => Data.GetProperty("seqid").GetInt64();

    public static ServerEvent Parse(string text)
    {
        var fields = new Dictionary<string, string>();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0) fields.Add(line[..colon], line[(colon + 2)..]);
        }

        return new ServerEvent(text, fields);
    }
}

/// <summary>An answer that does not end, read piece by piece.</summary>
public sealed class OpenAnswer : IDisposable
{
    private static readonly HttpClient Http = NewClient(receiveBuffer: null);

    /// <summary>So narrow that little is under way to a reader that does not read.</summary>
    private static readonly HttpClient NarrowHttp = NewClient(receiveBuffer: 4096);

    private readonly StreamReader _body;

    private OpenAnswer(HttpResponseMessage head, StreamReader body)
    {
        Head = head;
        _body = body;
    }

    /// <summary>Status and headers.</summary>
    public HttpResponseMessage Head { get; }

    /// <summary>Asks, and waits for the head of the answer.</summary>
    public static Task<OpenAnswer> GetAsync(string url, params (string Name, string Value)[] headers) => GetAsync(Http, url, headers);

    /// <summary>Asks through a socket that takes little at a time.</summary>
    public static Task<OpenAnswer> GetNarrowAsync(string url) => GetAsync(NarrowHttp, url, []);

    /// <summary>The next line; null at the end.</summary>
    public async Task<string?> LineAsync()
    {
        using var deadline = new CancellationTokenSource(Patience.Limit);
        return await _body.ReadLineAsync(deadline.Token);
    }

    /// <summary>The next line as JSON.</summary>
    public async Task<JsonElement> JsonAsync() => JsonDocument.Parse(await LineAsync() ?? throw new EndOfStreamException()).RootElement;

    /// <summary>The next block of lines up to an empty one; null at the end.</summary>
    public async Task<ServerEvent?> EventAsync()
    {
        var text = new StringBuilder();
        while (await LineAsync() is { } line)
        {
            text.Append(line).Append('\n');
            if (line.Length == 0) return ServerEvent.Parse(text.ToString());
        }

        Assert.Equal("", text.ToString());
        return null;
    }

    /// <summary>The next block that has data.</summary>
    public async Task<ServerEvent> DataAsync()
    {
        while (true)
        {
            var found = await EventAsync() ?? throw new EndOfStreamException();
            if (found.Fields.ContainsKey("data")) return found;
        }
    }

    /// <summary>The block of the id that a stream begins with.</summary>
    public async Task<string> BeginAsync()
    {
        Assert.NotNull((await EventAsync())?.Retry);
        return (await EventAsync())?.Id ?? throw new EndOfStreamException();
    }

    /// <summary>Everything up to the end.</summary>
    public async Task<string> RestAsync()
    {
        using var deadline = new CancellationTokenSource(Patience.Limit);
        return await _body.ReadToEndAsync(deadline.Token);
    }

    public void Dispose()
    {
        _body.Dispose();
        Head.Dispose();
    }

    private static async Task<OpenAnswer> GetAsync(HttpClient http, string url, (string Name, string Value)[] headers)
    {
        using var deadline = new CancellationTokenSource(Patience.Limit);
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        foreach (var (name, value) in headers) Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        var head = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
        return new OpenAnswer(head, new StreamReader(await head.Content.ReadAsStreamAsync(deadline.Token)));
    }

    private static HttpClient NewClient(int? receiveBuffer) => new(new SocketsHttpHandler
    {
        MaxConnectionsPerServer = 10_000,
        ConnectCallback = async (context, cancellation) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            if (receiveBuffer is { } bytes) socket.ReceiveBufferSize = bytes;
            await socket.ConnectAsync(context.DnsEndPoint, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    { Timeout = Timeout.InfiniteTimeSpan };
}
