using System.Net;
using System.Net.Http.Headers;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Diagnostics;

/// <summary><c>/metrics</c>: who may read it, and in which form.</summary>
public sealed class MetricsEndpointTests
{
    [Theory]
    [InlineData(null, "application/openmetrics-text; version=1.0.0; charset=utf-8")]
    [InlineData("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "application/openmetrics-text; version=1.0.0; charset=utf-8")]
    [InlineData("text/plain", "text/plain; version=0.0.4; charset=utf-8")]
    [InlineData("text/html,*/*;q=0.8", "text/plain; version=0.0.4; charset=utf-8")]
    public async Task Form_is_that_of_OpenMetrics_unless_another_text_is_asked_for(string? accept, string type)
    {
        await using var server = await LiveServer.StartAsync();
        await server.PublishAsync("a", "m");
        var answer = await server.Http.AskAsync(HttpMethod.Get, "/metrics", headers: headers => headers.TryAddWithoutValidation("Accept", accept));
        Assert.Equal((200, type, "no-store"), (answer.Status, answer.Header("Content-Type"), answer.Header("Cache-Control")));
        var isOpenMetrics = type.StartsWith("application", StringComparison.Ordinal);
        Assert.Equal(isOpenMetrics, answer.Text.EndsWith("\n# EOF\n", StringComparison.Ordinal));
        Assert.Contains(isOpenMetrics ? "\n# TYPE ccomet_published counter\n" : "\n# TYPE ccomet_published_total counter\n", answer.Text, StringComparison.Ordinal);
        Assert.Equal(isOpenMetrics, answer.Text.Contains("\n# UNIT ccomet_delivery_lag_seconds seconds\n", StringComparison.Ordinal));
        Assert.Contains("\nccomet_published_total 1\n", answer.Text, StringComparison.Ordinal);
        Assert.Contains("\ndotnet_process_memory_working_set_bytes ", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mode_Token_asks_for_the_right_to_administer_all_channels()
    {
        await using var server = await TokenServer.StartAsync();
        Assert.Equal(401, (await server.AskAsync(null, "/metrics")).Status);
        foreach (var right in (string[])["subscribe=*", "publish=*", "presence=*", "admin=room.*"])
        {
            var refused = await server.AskAsync(server.TokenOf("ann", right), "/metrics");
            refused.AssertProblem(403, "channel");
            Assert.Contains("ccomet:admin", refused.Text, StringComparison.Ordinal);
        }

        var answer = await server.AskAsync(server.TokenOf("ann", "admin=*"), "/metrics");
        Assert.Equal(200, answer.Status);
        Assert.Contains("\nccomet_requests_refused_total{reason=\"right\"} 4\n", answer.Text, StringComparison.Ordinal);
        Assert.Contains("\nccomet_requests_refused_total{reason=\"credential\"} 1\n", answer.Text, StringComparison.Ordinal);

        // A proxy may stand before it: the right decides.
        Assert.Equal(200, (await server.Http.AskAsync(HttpMethod.Get, "/metrics", headers: headers =>
        {
            headers.Authorization = new AuthenticationHeaderValue("Bearer", server.TokenOf("ann", "admin=*"));
            headers.Add("X-Forwarded-For", "203.0.113.1");
        })).Status);
    }

    [Fact]
    public async Task Mode_Open_has_it_for_this_machine_alone_and_elsewhere_it_looks_like_no_path()
    {
        IPAddress? client = null;
        await using var factory = new CCometFactory { OnRequest = context => (context.Connection.RemoteIpAddress, context.Connection.LocalIpAddress) = (client, IPAddress.Loopback) };
        using var http = factory.CreateClient();
        var nowhere = await http.AskAsync("/nowhere");
        foreach (var (address, header, isThere) in ((string, string?, bool)[])
                 [
                     ("127.0.0.1", null, true), ("::1", null, true), ("127.0.0.1", "Accept-Language", true),
                     ("203.0.113.1", null, false), ("127.0.0.1", "X-Forwarded-For", false), ("127.0.0.1", "x-forwarded-proto", false), ("127.0.0.1", "Forwarded", false), ("127.0.0.1", "X-Real-IP", false), ("127.0.0.1", "Via", false), ("::1", "Via", false),
                 ])
        {
            client = IPAddress.Parse(address);
            var answer = await http.AskAsync(HttpMethod.Get, "/metrics", headers: headers =>
            {
                if (header is not null) headers.TryAddWithoutValidation(header, "1.1 proxy");
            });
            Assert.True(answer.Status == (isThere ? 200 : 404), $"{address} {header}: {answer.Status}");
            if (!isThere) Assert.Equal((nowhere.Text, nowhere.Header("Content-Type")), (answer.Text, answer.Header("Content-Type")));
        }

        client = IPAddress.Parse("203.0.113.1");
        Assert.Equal(404, (await http.AskAsync(HttpMethod.Post, "/metrics")).Status);
        client = IPAddress.Loopback;
        var refused = await http.AskAsync(HttpMethod.Post, "/metrics");
        Assert.Equal((405, "GET"), (refused.Status, refused.Header("Allow")));
    }

    [Fact]
    public async Task Page_of_another_origin_does_not_read_it()
    {
        await using var server = await LiveServer.StartAsync();
        var open = await server.Http.AskAsync(HttpMethod.Get, "/sub?channel=a&wait=0", headers: headers => headers.Add("Origin", "https://other.example"));
        Assert.Equal("*", open.Header("Access-Control-Allow-Origin"));
        var answer = await server.Http.AskAsync(HttpMethod.Get, "/metrics", headers: headers => headers.Add("Origin", "https://other.example"));
        Assert.Null(answer.Header("Access-Control-Allow-Origin"));
    }
}
