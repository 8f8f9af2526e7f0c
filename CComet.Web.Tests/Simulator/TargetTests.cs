using System.Net;
using System.Net.Sockets;
using CComet.Simulator.Scenarios;
using CComet.Simulator.Wire;

namespace CComet.Web.Tests.Simulator;

/// <summary>The tool goes at no host that is not its owner's, and asks for no more than the machine has.</summary>
public sealed class TargetTests
{
    [Theory]
    [InlineData("http://127.0.0.1:5000")]
    [InlineData("http://127.9.9.9:5000/push/")]
    [InlineData("http://[::1]:5000")]
    public async Task This_machine_is_taken(string url)
    {
        var target = await Target.ResolveAsync(url, ownsHost: false);
        Assert.Equal(5000, target.EndPoint.Port);
    }

    [Theory]
    [InlineData("http://10.0.0.1:5000")]
    [InlineData("http://192.0.2.7")]
    [InlineData("http://[2001:db8::1]:5000")]
    public async Task Another_machine_is_refused_unless_its_owner_says_so(string url)
    {
        var refusal = await Assert.ThrowsAsync<UsageException>(() => Target.ResolveAsync(url, ownsHost: false));
        Assert.Contains("--i-own-this-host", refusal.Message, StringComparison.Ordinal);
        Assert.NotNull(await Target.ResolveAsync(url, ownsHost: true));
    }

    [Fact]
    public async Task Name_is_refused_when_one_of_its_addresses_is_elsewhere()
    {
        static Task<IPAddress[]> Resolve(string name) => Task.FromResult<IPAddress[]>([IPAddress.Loopback, IPAddress.Parse("192.0.2.7")]);
        await Assert.ThrowsAsync<UsageException>(() => Target.ResolveAsync("http://push.test", ownsHost: false, Resolve));
    }

    [Theory]
    [InlineData("127.0.0.1:5000")]
    [InlineData("https://127.0.0.1")]
    [InlineData("http://127.0.0.1/?a=b")]
    public async Task Text_that_is_no_address_is_refused_by_its_option(string url)
    {
        var refusal = await Assert.ThrowsAsync<UsageException>(() => Target.ResolveAsync(url, ownsHost: true));
        Assert.StartsWith("--url:", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Connections_beyond_the_ports_of_one_address_go_out_from_the_next()
    {
        Assert.Null(SourceAddress.For(SourceAddress.PerAddress - 1, IPAddress.Loopback));
        Assert.Equal(IPAddress.Parse("127.0.0.2"), SourceAddress.For(SourceAddress.PerAddress, IPAddress.Loopback));
        Assert.Equal(IPAddress.Parse("127.0.0.3"), SourceAddress.For(2 * SourceAddress.PerAddress, IPAddress.Loopback));
        Assert.Null(SourceAddress.For(2 * SourceAddress.PerAddress, IPAddress.Parse("192.0.2.7")));
    }

    [Fact]
    public async Task Connection_goes_out_from_the_address_it_is_given()
    {
        if (!OperatingSystem.IsLinux()) return; // Elsewhere only 127.0.0.1 is there without being set up.
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var link = await Link.ConnectAsync((IPEndPoint)listener.LocalEndpoint, IPAddress.Parse("127.0.0.2"), CancellationToken.None);
        using var accepted = await listener.AcceptSocketAsync();
        Assert.Equal("127.0.0.2", ((IPEndPoint)accepted.RemoteEndPoint!).Address.ToString());
    }

    [Fact]
    public void More_connections_than_files_may_be_open_are_refused()
    {
        Preflight.CheckOpenFiles(800, 1024);
        Preflight.CheckOpenFiles(1_000_000, null);
        var refusal = Assert.Throws<UsageException>(() => Preflight.CheckOpenFiles(1000, 1024));
        Assert.Contains("1024 files", refusal.Message, StringComparison.Ordinal);
    }
}
