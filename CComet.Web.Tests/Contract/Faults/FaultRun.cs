using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Contract.Faults;

/// <summary>One seeded run: publishers, one subscriber behind the proxy, and everything that the seed makes go wrong.</summary>
/// <param name="seed">Decides everything that is chosen.</param>
/// <param name="servers">The servers.</param>
/// <param name="transports">What the subscriber chooses from at each connection.</param>
/// <param name="disturbances">How often something happens to the servers.</param>
/// <param name="credential">What the subscriber shows; null where the servers ask for nothing.</param>
public sealed class FaultRun(int seed, IRig servers, IReadOnlyList<Transport> transports, int disturbances, Credential? credential = null)
{
    /// <summary>With credentials a run is longer, and so that connections are cut until its end, more of them are.</summary>
    private const int MostFaultsWithCredential = 60;

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
        using var over = new CancellationTokenSource(Patience.Limit);
        await using var proxy = new FaultProxy(servers.AnyPort, new Random(seed + 1)) { MostFaults = credential is null ? 20 : MostFaultsWithCredential };
        using var client = new Client(proxy.Port, _channel, _random.Next(2) == 0 ? "me" : null, Checker, credential);
        var publishing = PublishAllAsync(over.Token);
        Checker.Begin((await _first.Task.WaitAsync(over.Token)).Epoch);
        while (!IsDone())
        {
            if (over.IsCancellationRequested) throw new PromiseBrokenException($"stands at {Checker.Epoch}:{Checker.Next} for good, the end is {_end}; the last of {proxy.Connections} connections ended: {client.LastEnd}");
            var stood = (Checker.Epoch, Checker.Next);
            await client.ConnectAsync(transports[_random.Next(transports.Count)], IsDone, over.Token);

            // What goes on, however slowly, is not given up.
            if ((Checker.Epoch, Checker.Next) != stood) over.CancelAfter(Patience.Limit);
            if (publishing.IsFaulted) await publishing;
        }

        await publishing;
        Connections = proxy.Connections;
        foreach (var (epoch, seqid, text) in Checker.Accepted)
        {
            if (_published.TryGetValue(new Place(epoch, seqid), out var published) ? published != text : !_unsure.Contains(text))
                throw new PromiseBrokenException($"{epoch}:{seqid} was given as '{text}', published as '{published}'");
        }

        // Each message has an id, so that one whose publish was repeated is not there twice.
        if (Checker.Accepted.GroupBy(m => (m.Epoch, m.Text)).FirstOrDefault(g => g.Count() > 1) is { } twice) throw new PromiseBrokenException($"'{twice.Key.Text}' was given twice");
        if (Checker.Resets > disturbances) throw new PromiseBrokenException($"{Checker.Resets} resets for {disturbances} disturbances");
    }

    private bool IsDone() => _end is { } end && Checker.Epoch == end.Epoch && Checker.Next > end.Seqid;

    private async Task PublishAllAsync(CancellationToken over)
    {
        using var http = new HttpClient();
        var random = new Random(seed + 2);
        var count = random.Next(50, 250);
        var disturbedAt = Enumerable.Range(0, disturbances).Select(_ => random.Next(1, count)).ToHashSet();
        var burst = 0;
        var disturbing = Task.CompletedTask;
        for (var i = 0; i < count || credential is { IsDone: false }; i++)
        {
            if (disturbedAt.Contains(i)) disturbing = DisturbAsync(disturbing, random);

            // Texts that would break framing or escaping that was done wrongly.
            var text = $"{i} it's \\ \"{new string('x', random.Next(random.Next(2) == 0 ? 5 : 600))}\" </script> \n\u2028😀";
            var last = await PublishAsync(http, text, $"{seed}.{i}", random, over);
            _first.TrySetResult(last);

            // In bursts, between which the subscriber is let come along, so that it is cut off in live delivery as well as in the history.
            if (--burst > 0) continue;
            await KeepPaceAsync(last, over);
            credential?.PassTime(random);
            burst = random.Next(random.Next(2) == 0 ? 3 : 40);
        }

        // When all is quiet, one more: a log that was lost after its last message would else have no end to wait for.
        await disturbing;
        _end = await PublishAsync(http, "the end", $"{seed}.end", random, over);
    }

    /// <summary>One thing at a time happens to the servers, while publishing goes on.</summary>
    private async Task DisturbAsync(Task before, Random random)
    {
        var its = new Random(random.Next());
        await before;
        await servers.DisturbAsync(its);
    }

    private async Task KeepPaceAsync(Place place, CancellationToken over)
    {
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        while (Checker.Epoch == place.Epoch && Checker.Next < place.Seqid) await look.WaitForNextTickAsync(over);
    }

    private async Task<Place> PublishAsync(HttpClient http, string text, string id, Random random, CancellationToken over)
    {
        while (true)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{servers.AnyPort(random)}/pub?channel={_channel}&id={id}") { Content = new StringContent(text) };
                if (credential is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", credential.PublisherToken());
                using var answer = await http.SendAsync(request, over);
                if (!answer.IsSuccessStatusCode)
                {
                    if (answer.StatusCode != HttpStatusCode.ServiceUnavailable) throw new PromiseBrokenException($"a publish was answered by {(int)answer.StatusCode}");
                    _unsure.Add(text);
                    continue;
                }

                var receipt = System.Text.Json.JsonDocument.Parse(await answer.Content.ReadAsStringAsync(over)).RootElement[0];
                var place = new Place(receipt.GetProperty("epoch").GetString()!, receipt.GetProperty("seqid").GetInt64());
                _published[place] = text;
                return place;
            }
            catch (Exception e) when (e is HttpRequestException or SocketException)
            {
                // No answer: it may have been stored or not. Published again, which stores it once as long as the log lives.
                _unsure.Add(text);
                await Backoff.WaitAsync(over);
            }
        }
    }

    private sealed record Place(string Epoch, long Seqid);
}
