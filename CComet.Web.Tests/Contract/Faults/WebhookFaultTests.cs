using System.Globalization;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.Http;
using Xunit.Abstractions;

namespace CComet.Web.Tests.Contract.Faults;

/// <summary>
/// A webhook under faults: nodes and Redis are killed, the application is stopped, slow, or says 500. In the end it was posted every
/// message of every channel, each channel in order, every post signed, and never by two nodes at once.
/// </summary>
public sealed class WebhookFaultTests(ITestOutputHelper output)
{
    private const int Channels = 4;
    private const int Disturbances = 3;

    private static int Runs => Environment.GetEnvironmentVariable("CCOMET_FAULT_RUNS") is { } runs ? int.Parse(runs, CultureInfo.InvariantCulture) : 1;

    [Fact]
    public async Task Every_message_is_posted_in_order_whatever_fails()
    {
        for (var run = 0; run < Runs; run++)
        {
            var seed = Environment.GetEnvironmentVariable("CCOMET_FAULT_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next();
            try
            {
                await RunAsync(seed);
            }
            catch (Exception e)
            {
                throw new PromiseBrokenException($"seed {seed} (replay with CCOMET_FAULT_SEED={seed}): {e.Message}\n{e}");
            }
        }
    }

    [Fact]
    public async Task Batch_of_a_node_killed_under_way_is_posted_by_the_other()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await using var redis = await RedisServer.StartAsync();
        string[] settings = [.. Settings(receiver).Select(setting => $"--{setting}"), "--CComet:Store:Kind=Redis", $"--CComet:Store:Redis={redis.Address}"];
        await using var first = new Killable(settings);
        await first.StartAsync();
        await using var second = new Killable(settings);
        await second.StartAsync();
        var isUnderWay = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        receiver.Answer = (_, context) =>
        {
            isUnderWay.TrySetResult();
            return Task.Delay(Timeout.Infinite, context.RequestAborted);
        };
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{second.Port}") };
        for (var i = 0; i < 3; i++) await http.PublishAsync("c", $"{i}");
        await isUnderWay.Task;
        receiver.Answer = (_, _) => Task.CompletedTask;
        await first.DisposeAsync();
        var told = await receiver.TakeAsync(3);
        Assert.Equal(["0", "1", "2"], told.Select(one => one.GetProperty("msg").GetString()));
        Assert.Equal(2, receiver.Posts.Select(post => post.Generation).Distinct().Count());
        Assert.True(receiver.Posts[^1].Generation > receiver.Posts[0].Generation);
    }

    private static string[] Settings(WebhookReceiver receiver) => receiver.Settings("*", "CComet:Hooks:0:Networks=127.0.0.1", "CComet:History:MaxMessages=100000", "CComet:History:MaxBytes=100000000");

    private async Task RunAsync(int seed)
    {
        var random = new Random(seed);
        var isCalm = false;
        var atOnce = new Together();
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Answer = async (post, context) =>
        {
            using var here = atOnce.Enter(post.Generation, context.RequestAborted);
            var what = isCalm ? 100 : random.Next(100);
            if (what < 10) context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            else if (what < 15) context.Abort();
            else if (what < 30) await Task.Delay(random.Next(500), context.RequestAborted);
        };
        await using var nodes = await TwoNodes.StartAsync(Settings(receiver));
        using var over = new CancellationTokenSource();
        var publishing = Task.WhenAll(Enumerable.Range(0, Channels).Select(channel => Task.Run(() => PublishAsync(nodes, $"c{channel}", new Random(seed + channel + 1), over.Token))));
        for (var i = 0; i < Disturbances; i++)
        {
            // What is disturbed is under way.
            var before = receiver.Posts.Count;
            await Eventually.TrueAsync(() => receiver.Posts.Count >= before + 5, "Posting");
            if (random.Next(3) == 0)
            {
                await receiver.StopAsync();
                await nodes.DisturbAsync(random);
                await receiver.BeginAsync();
            }
            else await nodes.DisturbAsync(random);
        }

        await over.CancelAsync();
        var published = (await publishing).Sum();
        isCalm = true;
        await Eventually.TrueAsync(() => Told(receiver) == published, $"Posting of all {published} messages");
        Assert.Null(atOnce.Problem);
        output.WriteLine($"seed {seed}: {receiver.Posts.Count} posts, {receiver.Posts.Count(post => post.IsTaken)} taken, {receiver.Events.Count} events, generations {string.Join(", ", receiver.Posts.Select(post => post.Generation).Distinct())}, kills {string.Join(", ", nodes.Kills)}");
    }

    /// <summary>Publishes to a channel by any of the nodes, each message again until it is known to be stored.</summary>
    /// <returns>How many.</returns>
    private static async Task<int> PublishAsync(TwoNodes nodes, string channel, Random random, CancellationToken over)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        for (var n = 0; ; n++)
        {
            if (over.IsCancellationRequested) return n;
            await Eventually.TrueAsync(
                async () =>
                {
                    try
                    {
                        using var answer = await http.PostAsync($"http://127.0.0.1:{nodes.AnyPort(random)}{Asking.Path("/pub", ("channel", channel), ("msg", $"{n}"), ("id", $"{channel}-{n}"))}", null);
                        return answer.IsSuccessStatusCode;
                    }
                    catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
                    {
                        return false;
                    }
                },
                $"Storing of message {n} of {channel}");
            await Task.Delay(random.Next(60), CancellationToken.None);
        }
    }

    /// <summary>Returns how many messages were posted, each channel looked at in the order in which it was.</summary>
    private static int Told(WebhookReceiver receiver)
    {
        var next = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var one in receiver.Events)
        {
            var channel = one.GetProperty("channel").GetString()!;
            if (one.GetProperty("event").GetString() != "message") throw new PromiseBrokenException($"{one.GetRawText()} although history held everything");
            var (seqid, expected) = (one.GetProperty("seqid").GetInt32(), next.GetValueOrDefault(channel));
            if (seqid > expected) throw new PromiseBrokenException($"{channel}: {seqid} was posted before {expected}");
            if (one.GetProperty("msg").GetString() != $"{seqid}") throw new PromiseBrokenException($"{channel}: {one.GetRawText()} is not what was published as {seqid}");
            if (seqid == expected) next[channel] = expected + 1;
        }

        return next.Values.Sum();
    }

    /// <summary>The posts that are under way, by the generation of the node that posts.</summary>
    private sealed class Together
    {
        private readonly Lock _lock = new();
        private readonly List<long> _here = [];

        public string? Problem { get; private set; }

        public IDisposable Enter(long generation, CancellationToken left)
        {
            var isGone = 0;
            lock (_lock)
            {
                if (_here.Any(other => other != generation)) Problem ??= $"generations {string.Join(", ", _here)} and {generation} posted at once";
                _here.Add(generation);
            }

            // A node that was killed has left by the end of its connection.
            var registration = left.Register(Leave);
            return new Leaving(() =>
            {
                registration.Dispose();
                Leave();
            });

            void Leave()
            {
                if (Interlocked.Exchange(ref isGone, 1) == 0) lock (_lock) _here.Remove(generation);
            }
        }

        private sealed class Leaving(Action leave) : IDisposable
        {
            public void Dispose() => leave();
        }
    }
}
