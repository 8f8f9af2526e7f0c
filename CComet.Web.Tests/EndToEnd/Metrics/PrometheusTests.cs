using System.Globalization;
using System.Text.Json;
using CComet.Web.Tests.Docs;
using CComet.Web.Tests.Support;
using TokenServer = CComet.Web.Tests.Support.TokenServer;

namespace CComet.Web.Tests.EndToEnd.Metrics;

/// <summary>A real Prometheus, configured as <c>deploy/</c> says, scrapes two nodes over Redis.</summary>
public sealed class PrometheusTests : IAsyncLifetime, IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ccomet-prometheus-");
    private readonly string _token = new TestToken(DateTimeOffset.UtcNow).With("ccomet:subscribe", "*").With("ccomet:publish", "*").With("ccomet:admin", "*").Sign(TokenServer.Key);
    private readonly List<LiveServer> _nodes = [];
    private RedisServer _redis = null!;
    private RunningProgram _prometheus = null!;
    private HttpClient _api = null!;

    public async Task InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        for (var i = 0; i < 2; i++) _nodes.Add(await LiveServer.StartAsync([.. TokenServer.Settings, "CComet:Store:Kind=Redis", $"CComet:Store:Redis={_redis.Address}"]));
        var configuration = Documents.Read("deploy/prometheus/prometheus.yml").Replace("15s", "1s", StringComparison.Ordinal);
        for (var i = 0; i < 2; i++)
        {
            var target = $"127.0.0.1:{8081 + i}";
            Assert.Contains(target, configuration, StringComparison.Ordinal);
            configuration = configuration.Replace(target, $"127.0.0.1:{_nodes[i].Port}", StringComparison.Ordinal);
        }

        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "prometheus.yml"), configuration);
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "ccomet.token"), _token);
        File.Copy(Path.Combine(Documents.Root, "deploy", "prometheus", "ccomet.rules.yml"), Path.Combine(_folder.FullName, "ccomet.rules.yml"));
        var port = Ports.Take();
        _prometheus = RunningProgram.Start("prometheus", "prometheus", _folder.FullName, "--config.file=prometheus.yml", "--storage.tsdb.path=data", $"--web.listen-address=127.0.0.1:{port}");
        _api = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = Patience.Limit };
    }

    public void Dispose() => _api.Dispose();

    public async Task DisposeAsync()
    {
        await _prometheus.DisposeAsync();
        foreach (var node in _nodes) await node.DisposeAsync();
        await _redis.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Figures_of_both_nodes_are_there_and_every_alert_and_panel_can_be_evaluated()
    {
        using var client = await RawHttp.ConnectAsync(_nodes[1].Port);
        await client.SendAsync($"GET /sse?channel=a HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {_token}\r\n\r\n");
        await Eventually.TrueAsync(() => _nodes[1].Hub.Find("a")?.Waiting == 1, "It follows at the second node");
        for (var i = 0; i < 3; i++)
        {
            var answer = await _nodes[0].Http.AskAsync(HttpMethod.Post, "/pub", Asking.Body("""{"channel":"a","msg":"m"}"""), headers => headers.TryAddWithoutValidation("Authorization", $"Bearer {_token}"));
            Assert.True(answer.Status == 200, answer.Text);
        }

        foreach (var (query, expected) in ((string, double)[])
                 [
                     ("sum(up{job=\"ccomet\"})", 2),
                     ("count(ccomet_channels)", 2),
                     ($"ccomet_published_total{{instance=\"127.0.0.1:{_nodes[0].Port}\"}}", 3),
                     ($"ccomet_published_total{{instance=\"127.0.0.1:{_nodes[1].Port}\"}}", 0),
                     ("sum(ccomet_delivered_total{transport=\"sse\"})", 3),
                     ("sum(ccomet_subscribers{transport=\"sse\"})", 1),
                     ("sum(ccomet_delivery_lag_seconds_count{transport=\"sse\"}) > bool 0", 1),
                     ("count(count by (store) (ccomet_store_append_duration_seconds_count{store=\"redis\"}))", 1),
                 ])
        {
            double? found = null;
            await Eventually.TrueAsync(async () => (found = await ValueAsync(query)) == expected, $"{query} is {expected}, not {found}");
        }

        foreach (var expression in PrometheusFilesTests.Expressions())
        {
            var query = expression.Replace("$__rate_interval", "1m", StringComparison.Ordinal).Replace("$instance", ".*", StringComparison.Ordinal);
            Assert.Equal("success", (await QueryAsync(query)).GetProperty("status").GetString());
        }

        JsonElement[] rules = [];
        await Eventually.TrueAsync(async () => (rules = await RulesAsync()).Length > 0 && rules.All(rule => rule.GetProperty("health").GetString() != "unknown"), "The rules are evaluated");
        Assert.All(rules, rule => Assert.True(rule.GetProperty("health").GetString() == "ok", rule.ToString()));
    }

    private async Task<JsonElement> QueryAsync(string query)
    {
        using var answer = await _api.GetAsync($"/api/v1/query?query={Uri.EscapeDataString(query)}");
        answer.EnsureSuccessStatusCode();
        return JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
    }

    /// <summary>The value of what has one; null when there is none yet.</summary>
    private async Task<double?> ValueAsync(string query)
    {
        try
        {
            var result = (await QueryAsync(query)).GetProperty("data").GetProperty("result");
            return result.GetArrayLength() == 1 ? double.Parse(result[0].GetProperty("value")[1].GetString()!, CultureInfo.InvariantCulture) : null;
        }
        catch (HttpRequestException) when (!_prometheus.HasExited)
        {
            // It has yet to listen, or to be ready.
            return null;
        }
    }

    private async Task<JsonElement[]> RulesAsync()
    {
        using var answer = await _api.GetAsync("/api/v1/rules");
        var groups = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("data").GetProperty("groups");
        return [.. from @group in groups.EnumerateArray() from rule in @group.GetProperty("rules").EnumerateArray() select rule];
    }
}
