using System.Globalization;
using System.Text.Json;
using CComet.Web.Tests.Support;
using Xunit.Abstractions;

namespace CComet.Web.Tests.Contract.Faults;

/// <summary>
/// Presence under faults: users come, go and change nodes and transports at random, while their connections are cut and nodes and Redis are killed. In the end those are
/// there that are connected, and the log, replayed, gives the same users, none of whom joins or leaves twice in a row.
/// </summary>
public sealed class PresenceFaultTests(ITestOutputHelper output)
{
    private const int Users = 12;
    private const int Visits = 6;
    private const int MostFaults = 60;

    private static readonly Transport[] All = Enum.GetValues<Transport>();

    private static readonly string[] Settings =
    [
        "CComet:Poll:Timeout=00:00:00.3", "CComet:Stream:Heartbeat=00:00:00.1", "CComet:Presence:Channels=*", "CComet:Presence:LeaveAfter=00:00:01",
        "CComet:History:MaxMessages=100000", "CComet:History:MaxBytes=100000000", "CComet:Drain:ReconnectsPerSecond=1000000",
    ];

    private static int Runs => Environment.GetEnvironmentVariable("CCOMET_FAULT_RUNS") is { } runs ? int.Parse(runs, CultureInfo.InvariantCulture) : 1;

    [Fact]
    public async Task Log_replayed_gives_the_users_when_two_nodes_and_their_redis_are_killed()
    {
        await using var nodes = await TwoNodes.StartAsync(Settings);
        for (var run = 0; run < Runs; run++) await RunAsync(nodes, nodes.PortOf);
        output.WriteLine($"kills of the nodes and of Redis: {string.Join(", ", nodes.Kills)}");
    }

    [Fact]
    public async Task Log_replayed_gives_the_users_when_a_server_on_a_file_is_killed()
    {
        var folder = Directory.CreateTempSubdirectory("ccomet-presence-");
        await using (var server = new OneNode([.. Settings.Select(setting => $"--{setting}"), "--CComet:Store:Kind=Sqlite", $"--CComet:Store:Path={folder.FullName}/ccomet.db"]))
        {
            await server.StartAsync();
            for (var run = 0; run < Runs; run++) await RunAsync(server, _ => server.Port);
        }

        folder.Delete(recursive: true);
    }

    private async Task RunAsync(IRig rig, Func<int, int> portOf)
    {
        var seed = Environment.GetEnvironmentVariable("CCOMET_FAULT_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next();
        try
        {
            await RunAsync(rig, portOf, seed);
        }
        catch (Exception e)
        {
            throw new PromiseBrokenException($"seed {seed} (replay with CCOMET_FAULT_SEED={seed}): {e.Message}\n{e}");
        }
    }

    private async Task RunAsync(IRig rig, Func<int, int> portOf, int seed)
    {
        var random = new Random(seed);
        var channel = $"hall{seed}";
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{portOf(0)}") };
        var epoch = (await http.PublishAsync(channel, "0")).GetProperty("epoch").GetString()!;
        using var over = new CancellationTokenSource();
        await using var proxy = new FaultProxy(rig.AnyPort, new Random(seed + Users + 1)) { MostFaults = MostFaults };
        var isSettled = new TaskCompletionSource[Users];
        var visiting = Enumerable.Range(0, Users).Select(user => Task.Run(() => VisitAsync(
            proxy, rig, channel, epoch, $"u{user}", new Random(seed + user + 1), stays: user % 2 == 0, isSettled[user] = new(TaskCreationOptions.RunContinuationsAsynchronously), over.Token))).ToArray();
        for (var i = 0; i < 2; i++) await rig.DisturbAsync(random);
        await Task.WhenAll(isSettled.Select(settled => settled.Task));

        // With it end the connections that it has stalled: to a server they are as good as any.
        await proxy.DisposeAsync();
        List<string> there = [.. Enumerable.Range(0, Users).Where(user => user % 2 == 0).Select(user => $"u{user}").Order(StringComparer.Ordinal)];
        List<string> told = [];
        await Eventually.TrueAsync(
            async () =>
            {
                told = await UsersAsync(http, channel);
                return told.SequenceEqual(there);
            },
            $"Presence of {string.Join(", ", there)} alone");
        var log = JsonDocument.Parse(await http.GetStringAsync($"/sub?channel=%24presence:{channel}&seqid=0&wait=0")).RootElement;
        var replayed = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var element in log.EnumerateArray())
        {
            var (type, user) = (element.GetProperty("type").GetString(), element.GetProperty("user").GetString()!);
            if (type == "JOIN" ? !replayed.Add(user) : !replayed.Remove(user)) throw new PromiseBrokenException($"{type} of {user} is repeated at {element.GetProperty("seqid")}");
        }

        Assert.Equal(there, replayed);
        output.WriteLine($"seed {seed}: {log.GetArrayLength()} joins and leaves of {Users} users");
        await over.CancelAsync();
        await Task.WhenAll(visiting);
    }

    /// <summary>A user that is there and away by turns, behind the proxy, and in the end stays, past it, or is away.</summary>
    private static async Task VisitAsync(FaultProxy proxy, IRig rig, string channel, string epoch, string user, Random random, bool stays, TaskCompletionSource isSettled, CancellationToken over)
    {
        try
        {
            for (var visit = 0; visit < Visits; visit++)
            {
                using var away = CancellationTokenSource.CreateLinkedTokenSource(over);
                away.CancelAfter(TimeSpan.FromMilliseconds(random.Next(50, 1_500)));
                await BeThereAsync(() => proxy.Port, channel, epoch, user, random, away.Token);

                // About as long as it takes to be told as having left.
                await Task.Delay(random.Next(2_000), over);
            }

            isSettled.SetResult();
            if (stays) await BeThereAsync(() => rig.AnyPort(random), channel, epoch, user, random, over);
        }
        catch (OperationCanceledException)
        {
            isSettled.TrySetResult();
        }
    }

    private static async Task BeThereAsync(Func<int> port, string channel, string epoch, string user, Random random, CancellationToken away)
    {
        while (!away.IsCancellationRequested)
        {
            var checker = new Checker();
            checker.Begin(epoch);
            using var client = new Client(port(), channel, user, checker);
            var transport = All[random.Next(All.Length)];

            // Several connections of one client, as a page has.
            for (var i = random.Next(1, 4); i > 0 && !away.IsCancellationRequested; i--) await client.ConnectAsync(transport, () => away.IsCancellationRequested, away);
        }
    }

    private static async Task<List<string>> UsersAsync(HttpClient http, string channel)
    {
        try
        {
            var told = JsonDocument.Parse(await http.GetStringAsync($"/presence?channel={channel}")).RootElement;
            return [.. told.GetProperty("users").EnumerateArray().Select(user => user.GetProperty("user").GetString()!).Order(StringComparer.Ordinal)];
        }
        catch (HttpRequestException)
        {
            return [];
        }
    }

    /// <summary>One node that is killed, and comes back.</summary>
    private sealed class OneNode(params string[] settings) : IRig, IAsyncDisposable
    {
        private readonly Killable _node = new(settings);

        public int Port => _node.Port;

        public Task StartAsync() => _node.StartAsync();

        public int AnyPort(Random random) => Port;

        public Task DisturbAsync(Random random) => _node.RestartAsync();

        public ValueTask DisposeAsync() => _node.DisposeAsync();
    }
}
