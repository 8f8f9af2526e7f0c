using System.Net.Sockets;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary>The settings of icomet's dialect, as an operator gives them.</summary>
public sealed class AddressTests
{
    [Fact]
    public async Task Nothing_of_it_runs_unless_an_address_is_given()
    {
        await using var server = await LiveServer.StartAsync();
        Assert.Null(server.Services.GetService(typeof(CComet.Operations.ChannelOccupancy)));
        Assert.Equal(0, server.Hub.SubscriberCount);
        foreach (var path in (string[])["/push?cname=c&content=m", "/poll?cname=c", "/ping"]) Assert.Equal(404, (await server.Http.AskAsync(path)).Status);
    }

    [Fact]
    public async Task Nothing_listens_on_icomets_own_ports_unless_it_is_told_to()
    {
        await using var server = ServerProcess.Start();
        await server.StartedAsync();
        Assert.Single(server.Output, line => line.Contains("Now listening on", StringComparison.Ordinal));
        Assert.DoesNotContain(server.Output, line => line.Contains("icomet front", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_side_listens_without_the_other()
    {
        var (front, admin) = (Ports.Take(), Ports.Take());
        await using (await LiveServer.StartAsync($"CComet:Icomet:Front=http://127.0.0.1:{front}")) Assert.Equal(200, await StatusAsync(front, "/ping"));
        await using (await LiveServer.StartAsync($"CComet:Icomet:Admin=http://127.0.0.1:{admin}"))
        {
            Assert.Equal(200, await StatusAsync(admin, "/info"));
            using var none = new TcpClient();
            await Assert.ThrowsAsync<SocketException>(() => none.ConnectAsync("127.0.0.1", front));
        }
    }

    [Fact]
    public async Task Both_listen_beside_the_endpoints_that_the_settings_of_kestrel_name()
    {
        var (main, front, admin) = (Ports.Take(), Ports.Take(), Ports.Take());
        await using var server = ServerProcess.Start($"--Kestrel:Endpoints:Main:Url=http://127.0.0.1:{main}", $"--CComet:Icomet:Front=http://127.0.0.1:{front}", $"--CComet:Icomet:Admin=http://127.0.0.1:{admin}");
        await server.StartedAsync();
        Assert.Equal(200, await StatusAsync(main, "/health/live"));
        Assert.Equal(404, await StatusAsync(main, "/ping"));
        Assert.Equal(200, await StatusAsync(front, "/ping"));
        Assert.Equal(200, await StatusAsync(admin, "/info"));
        Assert.Contains(server.Output, line => line.Contains($"icomet front: http://127.0.0.1:{front}", StringComparison.Ordinal));
        Assert.Contains(server.Output, line => line.Contains($"icomet admin: http://127.0.0.1:{admin}", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("is that of another address", "--CComet:Icomet:Front=http://127.0.0.1:{0}", "--CComet:Icomet:Admin=http://127.0.0.1:{0}")]
    [InlineData("is that of another address", "--urls=http://127.0.0.1:{0}", "--CComet:Icomet:Front=http://127.0.0.1:{0}")]
    [InlineData("names no port", "--CComet:Icomet:Front=http://127.0.0.1:0")]
    [InlineData("CComet:Icomet:Front", "--CComet:Icomet:Front=127.0.0.1")]
    [InlineData("names no port", "--CComet:Icomet:Admin=http://unix:/tmp/x.sock")]
    [InlineData("CComet:Icomet:Allow: 'localhost'", "--CComet:Icomet:Admin=http://127.0.0.1:{0}", "--CComet:Icomet:Allow=localhost")]
    [InlineData("CComet:Icomet:Auth", "--CComet:Icomet:Admin=http://127.0.0.1:{0}", "--CComet:Icomet:Auth=maybe")]
    [InlineData("ChannelTimeout", "--CComet:Icomet:Admin=http://127.0.0.1:{0}", "--CComet:Icomet:ChannelTimeout=00:00:00")]
    public async Task Setting_that_cannot_hold_stops_the_start_with_one_clear_line(string reason, params string[] arguments)
    {
        var port = $"{Ports.Take()}";
        await using var server = ServerProcess.Start([.. arguments.Select(argument => argument.Replace("{0}", port, StringComparison.Ordinal))]);
        Assert.Equal(1, await server.ExitAsync());
        var line = Assert.Single(server.Errors);
        Assert.StartsWith("CComet cannot start: ", line, StringComparison.Ordinal);
        Assert.Contains(reason, line, StringComparison.Ordinal);
    }

    private static async Task<int> StatusAsync(int port, string path)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = Patience.Limit };
        return (await http.AskAsync(path)).Status;
    }
}
