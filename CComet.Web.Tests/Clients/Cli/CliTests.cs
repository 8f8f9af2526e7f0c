using System.Text.Json;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Clients.Cli;

/// <summary>The command line and a real server.</summary>
public sealed class CliTests : IAsyncLifetime
{
    private LiveServer _server = null!;

    public async Task InitializeAsync() => _server = await LiveServer.StartAsync("CComet:History:MaxMessages=10");

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Documented_line_writes_ten_messages_as_text()
    {
        for (var i = 0; i < 10; i++) await _server.PublishAsync("lobby", $"m{i}");
        var run = await CliRun.RunAsync(null, "", "sub", "lobby", "--url", _server.Url, "--from", "start", "--count", "10", "--format", "text");
        Assert.Equal((0, ""), (run.Code, run.Errors));
        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"m{i}"), run.Output);
    }

    [Fact]
    public async Task Sub_writes_ndjson_with_a_cursor_that_it_takes_again()
    {
        for (var i = 0; i < 3; i++) await _server.PublishAsync("a", new { n = i }, "ann");
        var run = await RunAsync("sub", "a", "--from", "start", "--count", "2");
        var last = JsonDocument.Parse(run.Output[1]).RootElement;
        Assert.Equal(("MSG", "ann", 1, 1L), (last.GetProperty("type").GetString(), last.GetProperty("sname").GetString(), last.GetProperty("msg").GetProperty("n").GetInt32(), last.GetProperty("seqid").GetInt64()));
        run = await RunAsync("sub", "a", "--from", last.GetProperty("cursor").GetString()!, "--count", "1", "--format", "text");
        Assert.Equal(["""{"n":2}"""], run.Output);
    }

    [Fact]
    public async Task Sub_of_several_channels_names_them_and_ends_when_idle()
    {
        await _server.PublishAsync("a", "1");
        await _server.PublishAsync("b", "2");
        var run = await RunAsync("sub", "a", "b", "--from", "start", "--format", "text", "--until-idle", "1s");
        Assert.Equal((0, "a 1|b 2"), (run.Code, string.Join('|', run.Output.Order(StringComparer.Ordinal))));
    }

    [Fact]
    public async Task Strict_sub_exits_with_3_on_a_gap_and_another_tells_it_and_goes_on()
    {
        var receipt = await _server.PublishAsync("a", "0");
        for (var i = 1; i < 13; i++) await _server.PublishAsync("a", $"{i}");
        var cursor = $"{receipt.GetProperty("epoch").GetString()}:1";
        var run = await RunAsync("sub", "a", "--from", cursor, "--strict");
        Assert.Equal(3, run.Code);
        Assert.Contains("messages 1 to 2 are lost", run.Errors, StringComparison.Ordinal);
        run = await RunAsync("sub", "a", "--from", cursor, "--count", "1");
        Assert.Equal((0, "GAP"), (run.Code, JsonDocument.Parse(run.Output[0]).RootElement.GetProperty("type").GetString()));
        Assert.Contains("\"seqid\":3", run.Output[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pub_takes_an_argument_lines_and_ndjson_and_an_id_stores_once()
    {
        Assert.Equal((0, 0), (await RunAsync("pub", "a", "@one") is var quiet ? quiet.Code : -1, quiet.Output.Count));
        var run = await CliRun.RunAsync(_server.Url, "two\nthree\n", "pub", "a", "--id", "x", "--json");
        Assert.Equal([1, 2], run.Output.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("seqid").GetInt32()));
        run = await CliRun.RunAsync(_server.Url, "two\nthree\n", "pub", "a", "--id", "x", "--json");
        Assert.All(run.Output, line => Assert.True(JsonDocument.Parse(line).RootElement.GetProperty("duplicate").GetBoolean()));
        run = await CliRun.RunAsync(_server.Url, "{\"n\":1}\nnope\n", "pub", "a", "--ndjson");
        Assert.Equal(2, run.Code);
        Assert.StartsWith("ccomet: line 2: is no JSON", run.Errors, StringComparison.Ordinal);
        run = await RunAsync("sub", "a", "--from", "start", "--count", "4", "--format", "text");
        Assert.Equal(["@one", "two", "three", """{"n":1}"""], run.Output);
    }

    [Fact]
    public async Task Chat_publishes_its_input_and_writes_what_comes()
    {
        var run = await CliRun.RunAsync(_server.Url, "hi\n\nyo\n", "chat", "a", "--sname", "ann");
        Assert.Equal((0, "ann: hi|ann: yo"), (run.Code, string.Join('|', run.Output)));
    }

    [Fact]
    public async Task Wrong_usage_exits_with_2_and_names_what_is_wrong()
    {
        await RefusedAsync("--url", "sub", "a", "--url", "ftp://x");
        await RefusedAsync("--from", "sub", "a", "--from", "yesterday");
        await RefusedAsync("--from", "sub", "a", "b", "--from", "e:1");
        await RefusedAsync("--count", "sub", "a", "--count", "0");
        await RefusedAsync("--since", "sub", "a", "--since", "soon");
        await RefusedAsync("channel", "sub", "a", "a");
        await RefusedAsync("channel", "pub", "", "x");
        await RefusedAsync("--user, --channel", "kick");
        await RefusedAsync("--key", "token", "--key", "short");
        var run = await CliRun.RunAsync(null, "", "pub", "a", "x");
        Assert.Equal((2, "ccomet: --url is missing; give it, or set CCOMET_URL."), (run.Code, run.Errors));
    }

    [Fact]
    public async Task Token_that_it_signs_is_taken_by_the_server()
    {
        const string Key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
        await using var server = await LiveServer.StartAsync(
            "CComet:Auth:Mode=Token", "Authentication:Schemes:Bearer:ValidIssuers:0=ccomet-dev", "Authentication:Schemes:Bearer:ValidAudience=ccomet",
            "Authentication:Schemes:Bearer:SigningKeys:0:Issuer=ccomet-dev", $"Authentication:Schemes:Bearer:SigningKeys:0:Value={Key}");
        var token = Assert.Single((await RunAsync("token", "--key", Key, "--sub", "ann", "--publish", "room.*", "--ttl", "5m")).Output);
        var run = await CliRun.RunAsync(server.Url, "", "pub", "room.1", "x", "--token", token, "--json");
        Assert.Equal((0, ""), (run.Code, run.Errors));
        run = await CliRun.RunAsync(server.Url, "", "pub", "news", "x", "--token", token);
        Assert.Equal(1, run.Code);
        Assert.StartsWith("ccomet: the server refused (403): channel: ", run.Errors, StringComparison.Ordinal);
        run = await CliRun.RunAsync(server.Url, "", "sub", "room.1", "--token", token);
        Assert.Equal(1, run.Code);
    }

    [Fact]
    public async Task Completion_is_that_of_the_command_line()
    {
        Assert.Contains("sub", (await RunAsync("[suggest:9]", "ccomet su")).Output);
        foreach (var shell in (string[])["bash", "zsh", "fish", "pwsh"]) Assert.Contains("[suggest:", string.Join('\n', (await RunAsync("completion", shell)).Output), StringComparison.Ordinal);
    }

    private async Task RefusedAsync(string named, params string[] args)
    {
        var run = await CliRun.RunAsync(_server.Url, "", args);
        Assert.Equal(2, run.Code);
        Assert.Contains(named, run.Errors, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    private Task<CliRun> RunAsync(params string[] args) => CliRun.RunAsync(_server.Url, "", args);
}
