using System.Collections.Concurrent;
using System.Net;
using System.Text;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Clients.Cli;

/// <summary>The commands for operators, before a server that has what they call, and before one that has not.</summary>
public sealed class CliAdminTests : IAsyncLifetime, IDisposable
{
    private readonly int _port = Ports.Take();
    private readonly HttpListener _listener = new();
    private readonly ConcurrentDictionary<string, string> _answers = new();
    private readonly ConcurrentQueue<string> _requests = new();
    private Task _serving = Task.CompletedTask;

    private string Url => $"http://127.0.0.1:{_port}";

    public Task InitializeAsync()
    {
        _listener.Prefixes.Add($"{Url}/");
        _listener.Start();
        _serving = ServeAsync();
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        _listener.Close();
        await _serving;
    }

    public void Dispose() => ((IDisposable)_listener).Dispose();

    [Fact]
    public async Task Command_says_what_the_server_does_not_have()
    {
        await MissingAsync("presence", "presence", "a");
        await MissingAsync("administration of channels", "channels");
        await MissingAsync("administration of connections (kick)", "kick", "--user", "ann");
        await MissingAsync("drain", "drain");
        await MissingAsync("explanation of rights", "explain", "--verb", "publish", "--channel", "a");
        await MissingAsync("list of nodes and no metrics", "top");
    }

    [Fact]
    public async Task Presence_lists_the_users()
    {
        _answers["GET /presence?channel=a%20b"] = """{"channel":"a b","epoch":"e","seqid":4,"count":2,"users":[{"user":"ann","since":1790000000000},{"user":"bob","since":1790000000001}]}""";
        _answers["GET /presence?channel=a%20b&counts=1"] = """{"channel":"a b","epoch":"e","seqid":4,"count":2}""";
        Assert.Equal(["ann", "bob"], (await RunAsync("presence", "a b")).Output);
        Assert.Equal(["2"], (await RunAsync("presence", "a b", "--counts")).Output);
    }

    [Fact]
    public async Task Presence_of_a_real_server_is_told_and_followed()
    {
        await using var server = await LiveServer.StartAsync("CComet:Presence:Channels=*");
        using var ann = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a%20b&sname=ann");
        await Eventually.TrueAsync(async () => (await CliRun.RunAsync(server.Url, "", "presence", "a b")).Output is ["ann"], "ann");
        Assert.Equal(["1"], (await CliRun.RunAsync(server.Url, "", "presence", "a b", "--counts")).Output);
    }

    [Fact]
    public async Task Channels_are_listed_page_after_page()
    {
        var first = Enumerable.Range(0, 500).Select(i => $$"""{"channel":"c{{i:000}}"}""");
        _answers["GET /admin/channels?limit=500&prefix=c"] = $"[{string.Join(',', first)}]";
        _answers["GET /admin/channels?limit=500&prefix=c&after=c499"] = """[{"channel":"c500"}]""";
        var run = await RunAsync("channels", "--prefix", "c");
        Assert.Equal((0, 501, """{"channel":"c500"}"""), (run.Code, run.Output.Count, run.Output[^1]));
    }

    [Fact]
    public async Task Changes_are_posted()
    {
        foreach (var path in (string[])["kick", "revoke", "drain"]) _answers[$"POST /admin/{path}"] = "{}";
        _answers["POST /admin/explain"] = """{"allowed":false,"missing":"ccomet:publish"}""";
        Assert.Equal(0, (await RunAsync("kick", "--channel", "a")).Code);
        Assert.Equal(0, (await RunAsync("revoke", "--jti", "t")).Code);
        Assert.Equal(0, (await RunAsync("drain")).Code);
        Assert.Equal(3, (await RunAsync("explain", "--verb", "publish", "--channel", "a", "--subject", "x.y.z")).Code);
        Assert.Equal(
            ["""POST /admin/kick {"channel":"a"}""", """POST /admin/revoke {"jti":"t"}""", "POST /admin/drain {}", """POST /admin/explain {"verb":"publish","channel":"a","token":"x.y.z"}"""],
            _requests);
    }

    [Fact]
    public async Task Top_reads_the_metrics_where_there_is_no_list_of_nodes()
    {
        _answers["GET /metrics"] = "# TYPE ccomet_publishes counter\nccomet_publishes_total{kind=\"a b\"} 12\nprocess_cpu 3\nccomet_subscribers 5 1790000000\n# EOF\n";
        Assert.Equal(["""{"metric":"ccomet_publishes_total{kind=\"a b\"}","value":12}""", """{"metric":"ccomet_subscribers","value":5}"""], (await RunAsync("top")).Output);
        _answers["GET /admin/nodes"] = """{"nodes":[{"node":"n1","subscribers":7}]}""";
        Assert.Equal(["""{"node":"n1","subscribers":7}"""], (await RunAsync("top")).Output);
    }

    private async Task MissingAsync(string what, params string[] args)
    {
        var run = await RunAsync(args);
        Assert.Equal(1, run.Code);
        Assert.StartsWith($"ccomet: this server has no {what}", run.Errors, StringComparison.Ordinal);
    }

    private Task<CliRun> RunAsync(params string[] args) => CliRun.RunAsync(Url, "", args);

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync();
                using var reader = new StreamReader(context.Request.InputStream);
                var body = await reader.ReadToEndAsync();
                var asked = $"{context.Request.HttpMethod} {context.Request.RawUrl}";
                if (body.Length > 0) _requests.Enqueue($"{asked} {body}");
                var known = _answers.TryGetValue(asked, out var answer);
                context.Response.StatusCode = known ? 200 : 404;
                await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(answer ?? """{"title":"Not found","status":404,"detail":"There is no such path.","code":"404"}"""));
                context.Response.Close();
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // The test is over.
        }
    }
}
