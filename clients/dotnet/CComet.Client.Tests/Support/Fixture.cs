using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using CComet.Client.Connections;

namespace CComet.Client.Tests.Support;

/// <summary>A client before a server that the test plays, by a clock that the test moves. The random share of each pause is all of it.</summary>
public sealed class Fixture : IAsyncDisposable
{
    public static readonly TimeSpan Coalesce = TimeSpan.FromMilliseconds(5);

    /// <summary>The pauses after the first failures in a row.</summary>
    public static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(0.5);

    private readonly HttpClient _http;
    private readonly ConcurrentQueue<CCometRetry> _retries = new();

    public Fixture(Action<CCometClientOptions>? configure = null, bool isCoalescing = false)
    {
        _http = new HttpClient(Server) { Timeout = Timeout.InfiniteTimeSpan };
        var options = new CCometClientOptions
        {
            HttpClientFactory = () => _http,
            TimeProvider = Time,
            OnRetry = _retries.Enqueue,
            Timings = new Timings { Random = () => 1, Coalesce = isCoalescing ? Coalesce : TimeSpan.Zero },
        };
        configure?.Invoke(options);
        Client = new CCometClient(new Uri("http://server/base/?ignored"), options);
    }

    public ScriptedServer Server { get; } = new();

    public ManualTime Time { get; } = new();

    public CCometClient Client { get; }

    /// <summary>Gets what was told of attempts that failed.</summary>
    public IReadOnlyCollection<CCometRetry> Retries => _retries;

    /// <summary>A token that expires after a time; only its claims are real.</summary>
    public string Token(string name, TimeSpan life)
    {
        var now = Time.GetUtcNow().ToUnixTimeSeconds();
        var claims = string.Create(CultureInfo.InvariantCulture, $$"""{"jti":"{{name}}","iat":{{now}},"exp":{{now + (long)life.TotalSeconds}}}""");
        return $"h.{Convert.ToBase64String(Encoding.UTF8.GetBytes(claims)).TrimEnd('=').Replace('+', '-').Replace('/', '_')}.s";
    }

    /// <summary>The milliseconds since 1970 after a time.</summary>
    public long After(TimeSpan time) => (Time.GetUtcNow() + time).ToUnixTimeMilliseconds();

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync().AsTask().InTime();
        _http.Dispose();
        Server.Dispose();
    }
}

/// <summary>Takes what a subscription gives, one by one.</summary>
public sealed class MessageLoop(IAsyncEnumerable<CCometMessage> messages) : IAsyncDisposable
{
    private readonly IAsyncEnumerator<CCometMessage> _enumerator = messages.GetAsyncEnumerator();

    private Task<bool> _moving = Task.FromResult(true);

    /// <summary>Returns the next message; fails when there is none.</summary>
    public async Task<CCometMessage> NextAsync()
    {
        Assert.True(await MoveAsync().InTime(), "The loop has ended.");
        return _enumerator.Current;
    }

    /// <summary>Returns the seqids of the next messages.</summary>
    public async Task<IReadOnlyList<long>> SeqidsAsync(int count)
    {
        var seqids = new List<long>();
        while (seqids.Count < count) seqids.Add((await NextAsync()).Seqid);
        return seqids;
    }

    /// <summary>Begins to wait for the next message.</summary>
    public Task<bool> MoveAsync() => _moving = _enumerator.MoveNextAsync().AsTask();

    /// <summary>Waits for the end.</summary>
    public async Task EndAsync() => Assert.False(await MoveAsync().InTime(), "Another message came.");

    /// <summary>Leaves the loop; one that waits for a message ends with the client.</summary>
    public ValueTask DisposeAsync() => _moving.IsCompleted ? _enumerator.DisposeAsync() : default;
}
