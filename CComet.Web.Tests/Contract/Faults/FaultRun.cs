using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Contract.Faults;

/// <summary>A server that can be replaced by a new one on the same port while everybody goes on.</summary>
public sealed class Restartable(params string[] settings) : IAsyncDisposable
{
    private LiveServer? _server;

    public int Port { get; private set; }

    public async Task StartAsync()
    {
        _server = await LiveServer.StartAsync(Port, settings);
        Port = _server.Port;
    }

    public async Task RestartAsync()
    {
        await _server!.StopAsync();
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.StopAsync();
    }
}

/// <summary>One seeded run: publishers, one subscriber behind the proxy, and everything that the seed makes go wrong.</summary>
public sealed class FaultRun(int seed, Restartable server, IReadOnlyList<Transport> transports, int restarts)
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    private readonly Random _random = new(seed);
    private readonly string _channel = $"run{seed}";
    private readonly Dictionary<Place, string> _published = [];
    private readonly HashSet<string> _unsure = [];
    private readonly TaskCompletionSource<Place> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Place? _end;

    public Checker Checker { get; } = new();

    public int Connections { get; private set; }

    public async Task RunAsync()
    {
        using var over = new CancellationTokenSource(Longest);
        await using var proxy = new FaultProxy(server.Port, new Random(seed + 1));
        using var client = new Client(proxy.Port, _channel, _random.Next(2) == 0 ? "me" : null, Checker);
        var publishing = PublishAllAsync(over.Token);
        Checker.Begin((await _first.Task.WaitAsync(over.Token)).Epoch);
        while (!IsDone())
        {
            if (over.IsCancellationRequested) throw new PromiseBrokenException($"stands at {Checker.Epoch}:{Checker.Next} for good, the end is {_end}");
            await client.ConnectAsync(transports[_random.Next(transports.Count)], IsDone, over.Token);
            if (publishing.IsFaulted) await publishing;
        }

        await publishing;
        Connections = proxy.Connections;
        foreach (var (epoch, seqid, text) in Checker.Accepted)
        {
            if (_published.TryGetValue(new Place(epoch, seqid), out var published) ? published != text : !_unsure.Contains(text))
                throw new PromiseBrokenException($"{epoch}:{seqid} was given as '{text}', published as '{published}'");
        }

        if (Checker.Resets > restarts) throw new PromiseBrokenException($"{Checker.Resets} resets for {restarts} restarts");
    }

    private bool IsDone() => _end is { } end && Checker.Epoch == end.Epoch && Checker.Next > end.Seqid;

    private async Task PublishAllAsync(CancellationToken over)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{server.Port}") };
        var random = new Random(seed + 2);
        var count = random.Next(50, 250);
        var restartsAt = Enumerable.Range(0, restarts).Select(_ => random.Next(1, count)).ToHashSet();
        Place? last = null;
        var burst = 0;
        for (var i = 0; i < count; i++)
        {
            if (restartsAt.Contains(i)) await server.RestartAsync();

            // Texts that would break framing or escaping that was done wrongly.
            var text = $"{i} it's \\ \"{new string('x', random.Next(random.Next(2) == 0 ? 5 : 600))}\" </script> \n\u2028😀";
            last = await PublishAsync(http, text, over);
            _first.TrySetResult(last);

            // In bursts, between which the subscriber is let come along, so that it is cut off in live delivery as well as in the history.
            if (--burst > 0) continue;
            await KeepPaceAsync(last, over);
            burst = random.Next(random.Next(2) == 0 ? 3 : 40);
        }

        _end = last;
    }

    private async Task KeepPaceAsync(Place place, CancellationToken over)
    {
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        while (Checker.Epoch == place.Epoch && Checker.Next < place.Seqid) await look.WaitForNextTickAsync(over);
    }

    private async Task<Place> PublishAsync(HttpClient http, string text, CancellationToken over)
    {
        while (true)
        {
            try
            {
                using var answer = await http.PostAsync(new Uri($"/pub?channel={_channel}", UriKind.Relative), new StringContent(text), over);
                if (!answer.IsSuccessStatusCode) continue;
                var receipt = System.Text.Json.JsonDocument.Parse(await answer.Content.ReadAsStringAsync(over)).RootElement[0];
                var place = new Place(receipt.GetProperty("epoch").GetString()!, receipt.GetProperty("seqid").GetInt64());
                _published[place] = text;
                return place;
            }
            catch (HttpRequestException)
            {
                // No answer: it may have been stored or not. Published again, so that it may be there twice.
                _unsure.Add(text);
            }
        }
    }

    private sealed record Place(string Epoch, long Seqid);
}
