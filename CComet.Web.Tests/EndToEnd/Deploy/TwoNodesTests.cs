using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text.Json;
using CComet.Web.Tests.Contract.Faults;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.EndToEnd.Deploy;

/// <summary>Two nodes, one Redis, and nginx in front of them, as <c>deploy/two-nodes.sh</c> runs them.</summary>
public sealed class TwoNodesTests
{
    private const int MessagesOfAPart = 100;

    /// <summary>So often that the clients of the fault rig, which are impatient, hear of them.</summary>
    private static readonly string[] Lively = ["CComet__Poll__Timeout=00:00:00.3", "CComet__Stream__Heartbeat=00:00:00.1"];

    [Fact]
    public async Task Follower_on_any_transport_goes_on_without_loss_when_a_node_is_killed()
    {
        await using var nodes = await TwoNodes.StartAsync(Lively);
        using var over = new CancellationTokenSource(4 * Patience.Limit);
        var runs = Enum.GetValues<Transport>().Select(transport => new Run(nodes.Port, transport)).ToArray();
        foreach (var run in runs) await run.BeginAsync(over.Token);
        var following = runs.Select(run => Task.Run(() => run.FollowAsync(over.Token))).ToArray();
        var publishing = runs.Select(run => Task.Run(() => run.PublishAsync(over.Token))).ToArray();

        await Eventually.TrueAsync(() => runs.All(run => run.Published > MessagesOfAPart && run.Checker.Next > MessagesOfAPart), "Both nodes serve");
        await nodes.KillAsync("node-1");
        await Eventually.TrueAsync(() => runs.All(run => run.Published > 3 * MessagesOfAPart), "One node serves");
        foreach (var run in runs) run.Stop();
        await Task.WhenAll(publishing);
        await Task.WhenAll(following);


        // A process that was killed is there until its parent has heard of it.
        await Eventually.TrueAsync(() => !nodes.Running.Contains("node-1"), "The end of node-1");
        Assert.Equal(["redis", "node-2", "balancer"], nodes.Running);
        Assert.All(runs, run => run.Check());
        await Eventually.TrueAsync(() => nodes.Script.Complaints.Contains("node-1 has ended", StringComparison.Ordinal), "It is told");
    }

    [Fact]
    public async Task Signal_to_end_leaves_no_process_and_is_no_failure()
    {
        await using var nodes = await TwoNodes.StartAsync(Lively);
        Assert.Equal(TwoNodes.Programs, nodes.Running);
        await nodes.Script.SignalAsync("TERM");
        Assert.Equal(0, await nodes.Script.ExitCodeAsync());
        Assert.Empty(nodes.Remains());
    }

    [Fact]
    public async Task Port_that_is_taken_is_named_and_nothing_is_started()
    {
        using var other = new TcpListener(System.Net.IPAddress.Loopback, 0);
        other.Start();
        var port = ((System.Net.IPEndPoint)other.LocalEndpoint).Port;
        var folder = Path.Combine(Path.GetTempPath(), $"ccomet-{Guid.NewGuid():N}");
        await using var script = TwoNodes.RunScript($"CCOMET_NODE_2_PORT={port}", $"CCOMET_FOLDER={folder}", "CCOMET_PORT=1", "CCOMET_NODE_1_PORT=2", "CCOMET_REDIS_PORT=3");
        Assert.Equal(1, await script.ExitCodeAsync());
        await Eventually.TrueAsync(() => script.Complaints.Length > 0, "It is told");
        Assert.Equal($"Port {port} is taken; set CCOMET_NODE_2_PORT to another.", script.Complaints);
        Assert.False(Directory.Exists(folder));
    }

    /// <summary>One channel with its publisher and its follower, both through the balancer.</summary>
    private sealed class Run(int port, Transport transport)
    {
        private readonly string _channel = $"nodes-{transport}";
        private readonly ConcurrentDictionary<long, string> _acknowledged = new();
        private volatile bool _stopped;
        private volatile bool _published;
        private long _end;

        public Checker Checker { get; } = new();

        public int Published => _acknowledged.Count;

        public void Stop() => _stopped = true;

        /// <summary>The first message tells the epoch, which must stay.</summary>
        public async Task BeginAsync(CancellationToken over)
        {
            using var http = new HttpClient();
            Checker.Begin((await PublishAsync(http, "first", over))!.Value.GetProperty("epoch").GetString()!);
        }

        public async Task PublishAsync(CancellationToken over)
        {
            using var http = new HttpClient();
            for (var i = 0; !_stopped; i++)
            {
                // An id makes it safe to publish again what had no answer.
                while (await PublishAsync(http, $"message {i}", over) is null) over.ThrowIfCancellationRequested();
            }

            _published = true;
        }

        public async Task FollowAsync(CancellationToken over)
        {
            using var client = new Contract.Faults.Client(port, _channel, null, Checker);
            while (!IsDone())
            {
                over.ThrowIfCancellationRequested();
                await client.ConnectAsync(transport, IsDone, over);
            }
        }

        /// <summary>Everything acknowledged has come, once, in order and as it was published.</summary>
        public void Check()
        {
            Assert.Equal((0L, 0), (Checker.Gaps, Checker.Resets));
            Assert.Equal(Enumerable.Range(0, Checker.Accepted.Count).Select(i => (long)i), Checker.Accepted.Select(m => m.Seqid));
            Assert.Equal(_acknowledged.OrderBy(m => m.Key).Select(m => m.Value), Checker.Accepted.Select(m => m.Text));
        }

        private bool IsDone() => _published && Checker.Next > Interlocked.Read(ref _end);

        private async Task<JsonElement?> PublishAsync(HttpClient http, string text, CancellationToken over)
        {
            try
            {
                var address = Asking.Path("/pub", ("channel", _channel), ("id", text));
                using var answer = await http.PostAsync(new Uri($"http://127.0.0.1:{port}{address}"), new StringContent(text), over);
                if (!answer.IsSuccessStatusCode) return null;
                var receipt = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(over)).RootElement[0];
                var seqid = receipt.GetProperty("seqid").GetInt64();
                Assert.True(_acknowledged.TryAdd(seqid, text), "A number was given twice.");
                Interlocked.Exchange(ref _end, seqid);
                return receipt;
            }
            catch (Exception e) when (e is HttpRequestException or SocketException)
            {
                // No answer: it may be there or not.
                return null;
            }
        }
    }
}
