using System.Collections.Concurrent;
using System.Net;
using System.Text;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Clients.Cli;

/// <summary>The commands for presence and metrics, before a server that answers as it is told.</summary>
public sealed class CliScriptedTests : IAsyncLifetime, IDisposable
{
    private readonly int _port = Ports.Take();
    private readonly HttpListener _listener = new();
    private readonly ConcurrentDictionary<string, string> _answers = new();
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
    public async Task Presence_lists_the_users()
    {
        _answers["GET /presence?channel=a%20b"] = """{"channel":"a b","epoch":"e","seqid":4,"count":2,"users":[{"user":"ann","since":1790000000000},{"user":"bob","since":1790000000001}]}""";
        _answers["GET /presence?channel=a%20b&counts=1"] = """{"channel":"a b","epoch":"e","seqid":4,"count":2}""";
        Assert.Equal(["ann", "bob"], (await RunAsync("presence", "a b")).Output);
        Assert.Equal(["2"], (await RunAsync("presence", "a b", "--counts")).Output);
    }

    [Fact]
    public async Task Top_reads_the_metrics_where_there_is_no_list_of_nodes()
    {
        _answers["GET /metrics"] = "# TYPE ccomet_publishes counter\nccomet_publishes_total{kind=\"a b\"} 12\nprocess_cpu 3\nccomet_subscribers 5 1790000000\n# EOF\n";
        Assert.Equal(["""{"metric":"ccomet_publishes_total{kind=\"a b\"}","value":12}""", """{"metric":"ccomet_subscribers","value":5}"""], (await RunAsync("top")).Output);
        _answers["GET /admin/nodes"] = """{"nodes":[{"node":"n1","subscribers":7}]}""";
        Assert.Equal(["""{"node":"n1","subscribers":7}"""], (await RunAsync("top")).Output);
    }

    private Task<CliRun> RunAsync(params string[] args) => CliRun.RunAsync(Url, "", args);

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync();
                var asked = $"{context.Request.HttpMethod} {context.Request.RawUrl}";
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
