using System.Net;
using System.Net.Sockets;
using CComet.Kestrel;
using CComet.Web.Hosting;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.Connections;

namespace CComet.Web.Tests.Hosting;

/// <summary>A start that fails ends with one line on standard error that says why, exit code 1, and neither a stack nor a core dump.</summary>
public sealed class StartFailureTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ccomet-start-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Port_in_use_is_named_with_what_to_do()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var address = $"http://127.0.0.1:{((IPEndPoint)other.LocalEndpoint).Port}";
        var line = await FailAsync($"--urls={address}");
        Assert.Contains($"{address} is in use", line, StringComparison.Ordinal);
        Assert.Contains("--urls", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("192.0.2.1:5000 cannot be listened on: this machine has no such address", "--urls=http://192.0.2.1:5000", "--CComet:Auth:Mode=Open")]
    [InlineData("https needs a certificate", "--urls=https://127.0.0.1:0", "--environment=Production")]
    [InlineData("/nowhere.pfx", "--Kestrel:Endpoints:A:Url=https://127.0.0.1:0", "--Kestrel:Endpoints:A:Certificate:Path=/nowhere.pfx")]
    [InlineData("Serilog: Unable to find a method called Consle", "--Serilog:WriteTo:0:Name=Consle")]
    [InlineData("Loud", "--Serilog:MinimumLevel:Default=Loud")]
    [InlineData("/nowhere", "--contentRoot=/nowhere")]
    public async Task Setting_of_the_host_that_cannot_hold_is_told_in_one_line(string reason, params string[] arguments) =>
        Assert.Contains(reason, await FailAsync(arguments), StringComparison.Ordinal);

    [Fact]
    public async Task File_of_settings_that_cannot_be_read_is_told_in_one_line()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "appsettings.json"), "{ broken");
        Assert.Contains("appsettings.json", await FailAsync($"--contentRoot={_folder.FullName}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Details_of_a_failed_start_are_in_the_log_at_level_debug()
    {
        await using var server = ServerProcess.Start("--urls=http://192.0.2.1:5000", "--CComet:Auth:Mode=Open", "--Serilog:MinimumLevel:Default=Debug", "--Serilog:MinimumLevel:Override:Microsoft=Debug");
        Assert.Equal(1, await server.ExitAsync());
        Assert.Contains(server.Output, l => l.Contains("DBG Why the server ends", StringComparison.Ordinal));
        Assert.Contains(server.Output, l => l.StartsWith("   at ", StringComparison.Ordinal));
        Assert.Single(server.Errors);
    }

    [Fact]
    public async Task Socket_that_a_killed_server_has_left_is_taken_over_and_one_that_is_served_is_not()
    {
        var path = Path.Combine(_folder.FullName, "ccomet.sock");
        await using (await ListeningAsync(path))
        {
            // Its end is that of a process that is killed.
        }

        Assert.True(File.Exists(path));
        await using var server = await ListeningAsync(path);
        Assert.Contains($"{path} is served by another process", await FailAsync($"--urls=http://unix:{path}"), StringComparison.Ordinal);
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(path));
    }

    [Fact]
    public void File_at_the_path_of_a_socket_is_left_alone()
    {
        var path = Path.Combine(_folder.FullName, "precious");
        File.WriteAllText(path, "kept");
        var failure = Assert.Throws<StartException>(() => ListenSockets.Create(new UnixDomainSocketEndPoint(path)));
        Assert.Contains("is no socket", failure.Message, StringComparison.Ordinal);
        Assert.Equal("kept", File.ReadAllText(path));
    }

    [Theory]
    [InlineData("urls", "garbage")]
    [InlineData("urls", "http://*:http")]
    [InlineData("urls", "http://127.0.0.1:65536")]
    [InlineData("urls", "ftp://127.0.0.1:5000")]
    [InlineData("urls", "http://127.0.0.1:5000;http://127.0.0.1:5001/path")]
    [InlineData("http_ports", "8080;http")]
    [InlineData("https_ports", "-1")]
    [InlineData("Kestrel:Endpoints:A:Url", "http://*:http")]
    public void Address_that_cannot_be_one_is_refused_with_its_name(string key, string value)
    {
        var configuration = new Microsoft.Extensions.Configuration.ConfigurationManager { [key] = value };
        Assert.Contains(key, Assert.Throws<StartException>(() => ListenAddresses.Check(configuration)).Message, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("http://*:5000;http://[::1]:0;https://localhost:5001/;http://unix:/run/ccomet.sock")]
    [InlineData("http://+:80")]
    [InlineData("http://push.example.org")]
    public void Address_that_is_one_is_taken(string urls) => ListenAddresses.Check(new Microsoft.Extensions.Configuration.ConfigurationManager { ["urls"] = urls });

    [Fact]
    public void Unforeseen_failure_is_one_line_with_its_types_name_and_every_reason()
    {
        var line = StartFailure.Describe(new InvalidOperationException("Outer\n  text.", new AggregateException(new IOException("first"), new TimeoutException("second"))));
        Assert.StartsWith("Outer text: ", line, StringComparison.Ordinal);
        Assert.Contains("first", line, StringComparison.Ordinal);
        Assert.Contains("second", line, StringComparison.Ordinal);
        Assert.Matches(@" \(\w+Exception\)\.$", line);
        Assert.DoesNotContain('\n', line);
    }

    [Fact]
    public void Failure_to_listen_on_both_addresses_of_localhost_is_told_with_its_reason()
    {
        var reason = new StartException("127.0.0.1:80 cannot be listened on: no right.");
        Assert.Equal(reason.Message, StartFailure.Describe(new IOException("Failed to bind to address http://localhost:80.", new AggregateException(new IOException("v6"), reason))));
    }

    [Fact]
    public void Address_in_use_without_its_name_is_told_all_the_same() =>
        Assert.Contains("is in use", StartFailure.Describe(new AddressInUseException("Address already in use")), StringComparison.Ordinal);

    private static async Task<ServerProcess> ListeningAsync(string socket)
    {
        var server = ServerProcess.Start($"--urls=http://unix:{socket}");
        await Eventually.TrueAsync(() => server.Output.Any(l => l.Contains("Now listening on", StringComparison.Ordinal)), "Listening");
        return server;
    }

    /// <summary>Starts the server, which must fail, and returns the one line that it says.</summary>
    private static async Task<string> FailAsync(params string[] arguments)
    {
        await using var server = ServerProcess.Start(arguments);
        Assert.Equal(1, await server.ExitAsync());
        var line = Assert.Single(server.Errors);
        Assert.StartsWith("CComet cannot start: ", line, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Output, l => l.Contains("   at ", StringComparison.Ordinal) || l.Contains("Exception", StringComparison.Ordinal));
        return line;
    }
}
