using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using CComet.Web.Tests.Contract.Faults;
using CComet.Web.Tests.Support;
using Xunit.Abstractions;

namespace CComet.Web.Tests.Sqlite;

/// <summary>
/// The server is killed, again and again, while messages pour in: what was acknowledged must be there, in the same epoch, and
/// reach a subscriber that continues from its cursor. <c>CCOMET_KILL_ROUNDS</c> sets how often.
/// </summary>
public sealed class SqliteKillTests(ITestOutputHelper output)
{
    private const int Publishers = 16;
    private const int MessagesARound = 500;

    private readonly ConcurrentDictionary<(string Channel, long Seqid), string> _acknowledged = new();
    private readonly ConcurrentDictionary<string, string> _epochs = new();
    private readonly ConcurrentDictionary<string, long> _ends = new();
    private readonly TaskCompletionSource _stopped = new();
    private volatile int _port;
    private volatile int _round;
    private long _count;

    private static int Rounds => int.Parse(Environment.GetEnvironmentVariable("CCOMET_KILL_ROUNDS") ?? "8", CultureInfo.InvariantCulture);

    [Theory]
    [InlineData("Normal")]
    [InlineData("Full")]
    public async Task Server_killed_under_load_loses_nothing_that_it_acknowledged(string durability)
    {
        var folder = Directory.CreateTempSubdirectory("ccomet-kill-");
        string[] settings =
        [
            "--CComet:Store:Kind=Sqlite", $"--CComet:Store:Path={Path.Combine(folder.FullName, "ccomet.db")}", $"--CComet:Store:Durability={durability}",
            "--CComet:History:MaxMessages=1000000", "--CComet:History:MaxBytes=1000000000", "--CComet:Limits:ChannelMemoryBytes=65536",
            "--CComet:Poll:Timeout=00:00:00.3", "--CComet:Stream:Heartbeat=00:00:00.1", "--Serilog:MinimumLevel:Default=Warning",
            "--Serilog:MinimumLevel:Override:Microsoft.Hosting.Lifetime=Information",
        ];
        var server = await ServerProgram.StartAsync("http", settings);
        try
        {
            _port = server.Port;
            var transports = Enum.GetValues<Transport>();
            foreach (var transport in transports) await BeginAsync(transport);
            using var over = new CancellationTokenSource((Rounds + 1) * Patience.Limit);
            var following = transports.Select(t => Task.Run(() => FollowAsync(t, over.Token))).ToArray();
            var publishing = Enumerable.Range(0, Publishers).Select(i => Task.Run(() => PublishAllAsync(i, over.Token))).ToArray();

            var loaded = TimeSpan.Zero;
            for (var round = 1; round <= Rounds; round++)
            {
                var start = Stopwatch.GetTimestamp();
                var goal = Interlocked.Read(ref _count) + MessagesARound;
                await Eventually.TrueAsync(() => Interlocked.Read(ref _count) >= goal || publishing.Any(p => p.IsFaulted), $"Publishing in round {round}");
                loaded += Stopwatch.GetElapsedTime(start);

                // Disposing of the process kills it, in the middle of whatever it does.
                await server.DisposeAsync();
                server = await ServerProgram.StartAsync("http", [$"--urls=http://127.0.0.1:{_port}", .. settings]);
                _round = round;
            }

            _stopped.SetResult();
            await Task.WhenAll(publishing);
            var checkers = await Task.WhenAll(following);
            output.WriteLine($"{Rounds} rounds, {_acknowledged.Count} acknowledged, {_count / loaded.TotalSeconds:F0} publishes/s while it ran, {checkers.Sum(c => c.Accepted.Count)} delivered");
            Assert.All(checkers, c => Assert.Equal((0L, 0), (c.Gaps, c.Resets)));
        }
        finally
        {
            await server.DisposeAsync();
        }

        folder.Delete(recursive: true);
    }

    private static string ChannelOf(Transport transport) => $"kill-{transport}";

    /// <summary>The first message of a channel tells its epoch, which must stay.</summary>
    private async Task BeginAsync(Transport transport)
    {
        using var http = new HttpClient();
        var receipt = await PublishAsync(http, ChannelOf(transport), "first", CancellationToken.None);
        _epochs[ChannelOf(transport)] = receipt!.Value.GetProperty("epoch").GetString()!;
    }

    private async Task PublishAllAsync(int publisher, CancellationToken over)
    {
        using var http = new HttpClient();
        var channels = _epochs.Keys.Order(StringComparer.Ordinal).ToArray();
        for (var i = 0; !_stopped.Task.IsCompleted; i++)
        {
            over.ThrowIfCancellationRequested();
            var channel = channels[i % channels.Length];
            var text = $"{publisher}.{i}.{_round}";
            if (await PublishAsync(http, channel, text, over) is not { } receipt) continue;
            Assert.Equal(_epochs[channel], receipt.GetProperty("epoch").GetString());
            Interlocked.Increment(ref _count);
        }
    }

    private async Task<JsonElement?> PublishAsync(HttpClient http, string channel, string text, CancellationToken over)
    {
        try
        {
            using var answer = await http.PostAsync(new Uri($"http://127.0.0.1:{_port}/pub?channel={channel}"), new StringContent(text), over);
            if (!answer.IsSuccessStatusCode) return null;
            var receipt = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(over)).RootElement[0];
            var seqid = receipt.GetProperty("seqid").GetInt64();
            Assert.True(_acknowledged.TryAdd((channel, seqid), text), "A number was given twice.");
            _ends.AddOrUpdate(channel, seqid, (_, end) => Math.Max(end, seqid));
            return receipt;
        }
        catch (Exception e) when (e is HttpRequestException or SocketException)
        {
            // No answer: it may be there or not, and nothing was promised.
            await Backoff.WaitAsync(over);
            return null;
        }
    }

    private async Task<Checker> FollowAsync(Transport transport, CancellationToken over)
    {
        var channel = ChannelOf(transport);
        var checker = new Checker();
        checker.Begin(_epochs[channel]);
        using var client = new Contract.Faults.Client(_port, channel, null, checker);
        while (!IsDone())
        {
            over.ThrowIfCancellationRequested();
            await client.ConnectAsync(transport, IsDone, over);
        }

        foreach (var (_, seqid, text) in checker.Accepted)
        {
            if (_acknowledged.TryGetValue((channel, seqid), out var published)) Assert.Equal(published, text);
        }

        return checker;

        bool IsDone() => _stopped.Task.IsCompleted && checker.Next > _ends[channel];
    }
}
