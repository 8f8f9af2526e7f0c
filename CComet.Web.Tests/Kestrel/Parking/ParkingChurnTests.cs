using System.Globalization;
using System.Net.Sockets;
using System.Text;
using CComet.Kestrel;
using CComet.Kestrel.Parking;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit.Abstractions;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>
/// Connections that are made, used and cut at random leave nothing behind. <c>CCOMET_CHURN_MINUTES</c> has it go on for so long; it prints its seed,
/// which <c>CCOMET_SEED</c> replays.
/// </summary>
[Collection(Alone.Name)]
public sealed class ParkingChurnTests(ITestOutputHelper output)
{
    private const int UsualConnections = 2_000;
    private const int Lanes = 32;
    private const int Channels = 8;
    private const int MaxRequests = 4;
    private const int History = 20;

    /// <summary>What pools of buffers may have grown by, in bytes: the more connections there are, the smaller a leak of each is found.</summary>
    private const long MaxLeft = 8 << 20;
    private const string SocketPrefix = "socket:[";

    private static readonly string Long = new('x', 20_000);

    [Fact]
    public async Task Connections_that_come_and_go_at_random_leave_nothing_behind()
    {
        if (!OperatingSystem.IsLinux()) return;
        var seed = Environment.GetEnvironmentVariable("CCOMET_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next() / 2;
        await using var server = await ParkingServer.StartAsync([.. TokenServer.Settings, "CComet:Poll:Timeout=00:00:00.5", "CComet:Stream:SendBufferBytes=4096", "CComet:Stream:StallTimeout=00:00:01", $"CComet:History:MaxMessages={History}"]);
        var tokens = Enumerable.Range(0, 4).Select(i => new TestToken(DateTimeOffset.UtcNow).With("sub", $"user{i}").With("jti", $"t{i}").With("ccomet:subscribe", i == 3 ? "hall" : "room.*").Sign(TokenServer.Key)).ToArray();

        // What the server opens at its first requests stays open, and the messages of full histories stay in memory.
        for (var i = 0; i < Channels; i++) await server.PublishAsync(ChannelOf(i), [.. Enumerable.Repeat(Long, History)]);
        await PlayAsync(server, new Random(seed), tokens, Lanes);
        await UntilNothingAsync(server);
        var memory = GC.GetTotalMemory(forceFullCollection: true);
        var before = OpenDescriptors();
        var connections = 0;
        var end = Environment.GetEnvironmentVariable("CCOMET_CHURN_MINUTES") is { } minutes ? DateTimeOffset.UtcNow.AddMinutes(double.Parse(minutes, CultureInfo.InvariantCulture)) : (DateTimeOffset?)null;
        using var over = new CancellationTokenSource();
        var publishing = PublishAsync(server, new Random(seed), over.Token);
        await Parallel.ForAsync(0, Lanes, new ParallelOptions { MaxDegreeOfParallelism = Lanes }, async (lane, _) =>
        {
            var random = new Random(seed + 1 + lane);
            for (var i = lane; end is null ? i < UsualConnections : DateTimeOffset.UtcNow < end; i += Lanes)
            {
                await PlayAsync(server, random, tokens, 1);
                Interlocked.Increment(ref connections);
            }
        });
        await over.CancelAsync();
        var published = await publishing;
        await UntilNothingAsync(server);
        server.ForgetLines();
        var left = GC.GetTotalMemory(forceFullCollection: true) - memory;
        output.WriteLine($"{connections} connections and {published} messages from seed {seed}, {left:N0} bytes left");
        await AssertNoMoreOpenAsync(before);
        Assert.InRange(left, long.MinValue, MaxLeft);
        Assert.Empty(server.Failures);
    }

    private static async Task UntilNothingAsync(ParkingServer server)
    {
        var parked = server.Live.Services.GetRequiredService<ParkedConnections>();
        var gate = server.Live.Services.GetRequiredService<ConnectionGate>();
        await Eventually.TrueAsync(() => server.Live.Hub.SubscriberCount == 0, $"{server.Live.Hub.SubscriberCount} subscribers are gone");
        await Eventually.TrueAsync(() => parked.InUse == default, $"Nothing is in use: {parked.InUse}");

        // One place is kept for the next connection.
        await Eventually.TrueAsync(() => gate.Free >= gate.Max - 1, $"No connection is counted: {gate.Max - gate.Free}");
        var quotas = server.Live.Hub.Context.Quotas;
        await Eventually.TrueAsync(
            () =>
            {
                quotas.Sweep();
                return (quotas.Addresses.Count, quotas.Users.Count) == (0, 0);
            },
            "No share holds anything");
        for (var i = 0; i < Channels; i++) Assert.Equal((0, 0), (server.Live.Hub.Find(ChannelOf(i))?.Subscribers ?? 0, server.Live.Hub.Find(ChannelOf(i))?.Waiting ?? 0));
    }

    private static async Task AssertNoMoreOpenAsync(IReadOnlyList<string> before)
    {
        var now = before;
        try
        {
            await Eventually.TrueAsync(() => (now = OpenDescriptors()).Count(IsSocket) <= before.Count(IsSocket));
        }
        catch (Xunit.Sdk.FailException)
        {
            var connections = File.ReadLines("/proc/self/net/tcp").Concat(File.ReadLines("/proc/self/net/tcp6")).Concat(File.ReadLines("/proc/self/net/unix")).ToList();
            var more = now.Except(before).Select(file => IsSocket(file) ? $"{file}: {connections.Find(line => line.Split(' ').Contains(file[SocketPrefix.Length..^1])) ?? "not connected"}" : file);
            Assert.Fail($"{now.Count(IsSocket)} sockets are open, {before.Count(IsSocket)} were before. Opened since:\n{string.Join('\n', more)}");
        }
    }

    private static bool IsSocket(string file) => file.StartsWith(SocketPrefix, StringComparison.Ordinal);

    /// <summary>What the descriptors of this process lead to: <c>socket:[inode]</c>, <c>anon_inode:[eventpoll]</c>, a path.</summary>
    private static List<string> OpenDescriptors() => [.. new DirectoryInfo("/proc/self/fd").EnumerateFileSystemInfos().Select(file => file.LinkTarget).OfType<string>()];

    private static string ChannelOf(int i) => $"room.{i}";

    private static async Task<int> PublishAsync(ParkingServer server, Random random, CancellationToken over)
    {
        var count = 0;
        for (; !over.IsCancellationRequested; count++)
        {
            await server.PublishAsync(ChannelOf(random.Next(Channels)), random.Next(4) == 0 ? Long : "m");
            if (random.Next(8) == 0) await Task.Delay(random.Next(20), CancellationToken.None);
        }

        return count;
    }

    /// <summary>Makes connections, sends some requests on each, reads something of the answers or nothing, and ends them in one way or another.</summary>
    private static async Task PlayAsync(ParkingServer server, Random random, string[] tokens, int count)
    {
        var buffer = new byte[32 << 10];
        for (var i = 0; i < count; i++)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            if (random.Next(4) == 0) socket.ReceiveBufferSize = 4096;
            try
            {
                await socket.ConnectAsync("127.0.0.1", server.Port);
                for (var left = random.Next(MaxRequests + 1); left > 0; left--)
                {
                    var request = RequestOf(random, tokens);
                    await socket.SendAsync(random.Next(12) == 0 ? request[..random.Next(1, request.Length)] : request);
                    if (random.Next(3) > 0) await ReadAsync(socket, buffer);
                }

                switch (random.Next(4))
                {
                    case 0:
                        socket.LingerState = new LingerOption(true, 0);
                        break;
                    case 1:
                        socket.Shutdown(SocketShutdown.Send);
                        await ReadAsync(socket, buffer);
                        break;
                }
            }
            catch (SocketException)
            {
                // The server has closed it.
            }
        }
    }

    /// <summary>Reads what comes next, for as long as a poll lasts at the most.</summary>
    private static async Task ReadAsync(Socket socket, byte[] buffer)
    {
        using var enough = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        try
        {
            await socket.ReceiveAsync(buffer, enough.Token);
        }
        catch (OperationCanceledException)
        {
            // A part of a head, for which nothing comes.
        }
    }

    private static byte[] RequestOf(Random random, string[] tokens)
    {
        var channel = ChannelOf(random.Next(Channels));
        var target = random.Next(10) switch
        {
            0 or 1 or 2 => $"/sub?channel={channel}",
            3 => $"/sub?channel={channel}&wait=0",
            4 => $"/sub?channel={channel}&seqid={random.Next(50)}",
            5 or 6 => $"/sse?channel={channel}",
            7 => $"/sse?channel={channel}&seqid=0",
            8 => $"/sub?channel={channel}&callback=f",
            _ => random.Next(2) == 0 ? "/health/live" : $"/sub?channel={channel}&x=1",
        };
        var token = random.Next(12) == 0 ? "" : $"Authorization: Bearer {tokens[random.Next(tokens.Length)]}\r\n";
        return Encoding.Latin1.GetBytes($"GET {target} HTTP/1.1\r\nHost: localhost\r\n{token}\r\n");
    }
}
