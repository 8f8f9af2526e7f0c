using CComet.Web.Hosting.Access;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Configuration;

namespace CComet.Web.Tests.Hosting.Access;

/// <summary>A server that others reach does not start until its operator has said whether it is open.</summary>
public sealed class StatedModeTests
{
    [Theory]
    [InlineData("http://0.0.0.0:8080", "urls=http://0.0.0.0:8080")]
    [InlineData("http://*:8080", "urls=http://127.0.0.1:5000;http://*:8080")]
    [InlineData("http://+:8080", "urls=http://+:8080")]
    [InlineData("http://[::]:8080", "urls=http://[::]:8080")]
    [InlineData("https://push.example.org", "urls=https://push.example.org")]
    [InlineData("http://192.0.2.1:8080", "urls=http://192.0.2.1:8080")]
    [InlineData("http://localhost.example.org", "urls=http://localhost.example.org")]
    [InlineData("http://*:8080", "http_ports=8080")]
    [InlineData("https://*:8443", "https_ports=8443")]
    [InlineData("http://*:8081", "Kestrel:Endpoints:A:Url=http://*:8081")]
    [InlineData("http://*:8082", "urls=http://*:8082", "Kestrel:Endpoints:A:Url=http://127.0.0.1:8081", "preferHostingUrls=true")]
    [InlineData("http://*:8100", "CComet:Icomet:Front=http://*:8100")]
    [InlineData("http://0.0.0.0:8000", "CComet:Icomet:Admin=http://0.0.0.0:8000")]
    [InlineData("http://*:8080", "urls=http://*:8080", "CComet:Auth:Mode=")]
    public void Server_that_others_reach_needs_a_mode(string address, params string[] settings)
    {
        var message = Assert.Throws<StartException>(() => Require(settings)).Message;
        Assert.Equal(
            $"CComet:Auth:Mode is not stated, and {address} is reached from other machines: write CComet:Auth:Mode=Token, so that callers need a token, or CComet:Auth:Mode=Open, so that all who reach the server may publish and subscribe (as a variable: CComet__Auth__Mode=Open).",
            message);
        Require([.. settings, "CComet:Auth:Mode=Open"]);
        Require([.. settings, "CComet:Auth:Mode=token", "CComet:Icomet:Auth=Token"]);
        Require(settings, isDevelopment: true);
    }

    [Theory]
    [InlineData]
    [InlineData("urls=http://127.0.0.1:8080;http://[::1]:8080;http://LocalHost:8081;http://127.0.0.9:80;http://unix:/run/ccomet.sock")]
    [InlineData("urls=http://*:8080", "Kestrel:Endpoints:A:Url=http://127.0.0.1:8081")]
    [InlineData("http_ports=8080", "urls=http://localhost:8080")]
    [InlineData("CComet:Icomet:Front=http://127.0.0.1:8100", "CComet:Icomet:Admin=http://127.0.0.1:8000")]
    public void Server_that_this_machine_alone_reaches_needs_none(params string[] settings) => Require(settings);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Token_beside_an_open_address_of_icomet_is_refused(bool isDevelopment)
    {
        string[] settings = ["CComet:Auth:Mode=token", "CComet:Icomet:Front=http://127.0.0.1:8100"];
        Assert.Contains("write CComet:Icomet:Auth=Token", Assert.Throws<StartException>(() => Require(settings, isDevelopment)).Message, StringComparison.Ordinal);
        Assert.Throws<StartException>(() => Require([.. settings, "CComet:Icomet:Auth=None"], isDevelopment));
        Require([.. settings, "CComet:Icomet:Auth=Token"], isDevelopment);
        Require(["CComet:Auth:Mode=Token", "CComet:Icomet:Admin=http://127.0.0.1:8000"], isDevelopment);
    }

    [Fact]
    public async Task Process_without_a_mode_ends_with_one_line_and_starts_with_one()
    {
        await using (var refused = ServerProcess.Start("--urls=http://0.0.0.0:0"))
        {
            Assert.Equal(1, await refused.ExitAsync());
            Assert.StartsWith("CComet cannot start: CComet:Auth:Mode is not stated, and http://0.0.0.0:0 is", Assert.Single(refused.Errors), StringComparison.Ordinal);
        }

        await using var server = ServerProcess.StartWith(new Dictionary<string, string> { ["CComet__Auth__Mode"] = "Open" }, "--urls=http://0.0.0.0:0");
        await server.StartedAsync();
    }

    private static void Require(string[] settings, bool isDevelopment = false)
    {
        var configuration = new ConfigurationManager();
        foreach (var setting in settings.Select(s => s.Split('=', 2))) configuration[setting[0]] = setting[1];
        StatedMode.Require(configuration, isDevelopment);
    }
}
