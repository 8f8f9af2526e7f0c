using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Contract;

/// <summary>The promise over real sockets: publishers and subscribers in crowds, and connections that are cut at any moment.</summary>
public sealed class LongPollPromiseTests
{
    private const int Messages = 10_000;
    private const int Publishers = 50;
    private const int Subscribers = 200;

    [Fact]
    public async Task Every_subscriber_that_is_cut_off_at_random_has_every_message_once_and_in_order()
    {
        var seed = Environment.GetEnvironmentVariable("CCOMET_SEED") is { } given ? int.Parse(given, System.Globalization.CultureInfo.InvariantCulture) : Random.Shared.Next();
        await using var server = await LiveServer.StartAsync("CComet:History:MaxMessages=20000", "CComet:History:MaxBytes=100000000");
        var epoch = (await server.PublishAsync("warm", "up")).GetProperty("epoch").GetString();
        Assert.NotNull(epoch);

        var subscribers = Enumerable.Range(0, Subscribers).Select(i => Task.Run(() => FollowAsync(server.Http, new Random(seed + i), $"s{i}"))).ToArray();
        await Task.WhenAll(Enumerable.Range(0, Publishers).Select(p => Task.Run(async () =>
        {
            for (var i = 0; i < Messages / Publishers; i++) await server.PublishAsync("crowd", $"{p}.{i}");
        })));

        try
        {
            var logs = await Task.WhenAll(subscribers).WaitAsync(Patience.Limit);
            Assert.All(logs, log => Assert.Equal(logs[0], log));
            for (var p = 0; p < Publishers; p++)
                Assert.Equal(Enumerable.Range(0, Messages / Publishers).Select(i => $"{p}.{i}"), logs[0].Where(m => m.StartsWith($"{p}.", StringComparison.Ordinal)));
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Seed {seed} (replay with CCOMET_SEED={seed})", e);
        }

        await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 0, "Freeing of every subscriber");
    }

    /// <summary>Polls from seqid 0 to the last message, hanging up at random before or while the answer comes.</summary>
    private static async Task<List<string>> FollowAsync(HttpClient http, Random random, string sname)
    {
        var log = new List<string>(Messages);
        var cursor = "seqid=0";
        while (log.Count < Messages)
        {
            using var cut = new CancellationTokenSource();
            if (random.Next(3) == 0) cut.CancelAfter(random.Next(0, 30));
            try
            {
                using var answer = await http.GetAsync(new Uri($"/sub?channel=crowd&sname={sname}&{cursor}", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cut.Token);

                // A request that was given up may reach the hub after its successor, and take its place: ask again.
                if (answer.StatusCode == HttpStatusCode.Conflict) continue;
                answer.EnsureSuccessStatusCode();
                var next = answer.Headers.GetValues("CComet-Cursor").Single();
                var messages = await answer.Content.ReadFromJsonAsync<JsonElement[]>(cut.Token);
                foreach (var message in messages!)
                {
                    Assert.Equal("MSG", message.GetProperty("type").GetString());
                    Assert.Equal(log.Count, message.GetProperty("seqid").GetInt64());
                    log.Add(message.GetProperty("msg").GetString()!);
                }

                cursor = $"cursor={next}";
            }
            catch (OperationCanceledException)
            {
                // Cut off: asks again from the cursor it has.
            }
        }

        return log;
    }
}
