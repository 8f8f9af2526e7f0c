using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using CComet.Kestrel;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace CComet.Web.Tests.Hardening;

/// <summary>The attack: one address opens as many connections as it can, and nobody else can connect any more.</summary>
[Collection(Alone.Name)]
public sealed class ConnectionQuotaTests
{
    private static readonly IPAddress Other = IPAddress.Parse("127.0.0.2");

    [Fact]
    public async Task One_address_that_opens_thousands_of_connections_keeps_no_other_from_subscribing()
    {
        // Linux has all of 127.0.0.0/8 without being asked.
        if (!OperatingSystem.IsLinux()) return;
        const int Flood = 2_000;
        await using var server = await LiveServer.StartAsync("CComet:Limits:Connections=200");
        var quota = server.Services.GetRequiredService<ConnectionQuota>();
        Assert.Equal(100, quota.Max);
        var crowd = new ConcurrentBag<Socket>();
        try
        {
            await Parallel.ForAsync(0, Flood, new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (i, cancellation) =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                crowd.Add(socket);
                try
                {
                    // Heads that do not end, and connections without a byte.
                    await socket.ConnectAsync(IPAddress.Loopback, server.Port, cancellation);
                    if (i % 2 == 0) await socket.SendAsync("GET /sub?channel=a HTTP/1.1\r\nHost:"u8.ToArray(), cancellation);
                }
                catch (SocketException)
                {
                    // Closed already.
                }
            });

            using var subscriber = await RawHttp.ConnectAsync(server.Port, from: Other);
            await subscriber.SendAsync(RawHttp.Get("/sub?channel=a"));
            await Eventually.TrueAsync(() => server.Hub.Find("a")?.Waiting == 1, "A subscriber of another address");
            using var publisher = await RawHttp.ConnectAsync(server.Port, from: Other);
            Assert.Equal(200, (await publisher.GetAsync("/pub?channel=a&msg=m")).Status);
            Assert.Single((await subscriber.ReadAsync())!.Elements);
            Assert.InRange(server.Services.GetRequiredService<ConnectionGate>().Free, 200 - 100 - 3, 200);
        }
        finally
        {
            foreach (var socket in crowd) socket.Dispose();
        }

        // And once they are gone the address has its share again.
        await Eventually.TrueAsync(() => IsServedAsync(server.Port), "A connection of the address that has none any more");
    }

    [Fact]
    public async Task Connection_too_many_is_closed_counted_and_let_in_when_another_has_ended()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var server = await LiveServer.StartAsync("CComet:Limits:ConnectionsPerAddress=2");
        var first = await RawHttp.ConnectAsync(server.Port);
        using var second = await RawHttp.ConnectAsync(server.Port);
        foreach (var http in (RawHttp[])[first, second]) Assert.Equal(200, (await http.GetAsync("/health/live")).Status);
        Assert.False(await IsServedAsync(server.Port));
        var counts = Counts.Read(server.Services);
        Assert.Equal((1, 1), (counts["ccomet.limit.refused bound=Limits:ConnectionsPerAddress"], counts["ccomet.connections.refused reason=address"]));
        Assert.Equal(200, (await second.GetAsync("/health/live")).Status);
        Assert.True(await IsServedAsync(server.Port, Other));

        first.Dispose();
        await Eventually.TrueAsync(() => IsServedAsync(server.Port), "A connection in the place of the one that has ended");
    }

    [Fact]
    public async Task Listed_proxy_has_no_share_of_its_own()
    {
        await using var server = await LiveServer.StartAsync("CComet:Limits:ConnectionsPerAddress=1", "CComet:Proxies=127.0.0.0/8");
        var connections = new List<RawHttp>();
        for (var i = 0; i < 5; i++)
        {
            connections.Add(await RawHttp.ConnectAsync(server.Port));
            Assert.Equal(200, (await connections[^1].GetAsync("/health/live")).Status);
        }

        foreach (var http in connections) http.Dispose();
    }

    [Theory]
    [InlineData(0, 250_000, null, 125_000)]
    [InlineData(0, 3, null, 2)]
    [InlineData(0, 250_000, 20_456, 17_787)]
    [InlineData(70, 250_000, 20_456, 70)]
    public void Share_is_half_of_the_setting_and_leaves_an_eighth_of_what_open_files_allow(int perAddress, int connections, int? openFiles, int expected)
    {
        using var fixture = new HubFixture(new HubOptions { Limits = new LimitOptions { ConnectionsPerAddress = perAddress, Connections = connections } });
        using var gate = new ConnectionGate(fixture.Options.Limits, openFiles, 0, new LogLines<ConnectionGate>());
        Assert.Equal(expected, new ConnectionQuota(fixture.Hub, gate, UncountedAddresses.None).Max);
    }

    [Fact]
    public void Addresses_of_one_IPv6_network_have_one_share()
    {
        using var fixture = new HubFixture();
        var quotas = fixture.Hub.Context.Quotas;
        var share = quotas.TryConnect(IPAddress.Parse("2001:db8:1:2::1"), 1);
        Assert.NotNull(share);
        Assert.Null(quotas.TryConnect(IPAddress.Parse("2001:db8:1:2:ffff::9"), 1));
        Assert.NotNull(quotas.TryConnect(IPAddress.Parse("2001:db8:1:3::1"), 1));
        share.Release(Limits.Held.Connections, 1);
        Assert.NotNull(quotas.TryConnect(IPAddress.Parse("2001:db8:1:2:ffff::9"), 1));
    }

    /// <summary>Whether a new connection is answered. One that is closed at once may be noticed at any moment.</summary>
    private static async Task<bool> IsServedAsync(int port, IPAddress? from = null)
    {
        try
        {
            using var http = await RawHttp.ConnectAsync(port, from: from);
            await http.SendAsync(RawHttp.Get("/health/live"));
            return (await http.ReadAsync())?.Status == 200;
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }
}
