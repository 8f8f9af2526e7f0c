using System.Net;
using CComet.Web.Tests.Docs;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Embedding;

/// <summary>The sample <c>samples/EmbedInAspNet</c>: a shop that embeds CComet, as a program of its own.</summary>
public sealed class ShopTests : IDisposable
{
    private static readonly string Folder = Path.Combine(Documents.Root, "samples", "EmbedInAspNet", "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0");

    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("ccomet-shop-");

    public void Dispose() => _data.Delete(recursive: true);

    [Fact]
    public async Task User_sees_orders_that_the_shop_publishes_and_may_write_to_its_own_channel_alone()
    {
        await using var shop = Start();
        using var ada = await LogInAsync(shop, "ada");
        Assert.Equal(202, (await ada.AskAsync("/orders", Asking.Body("""{"item":"tea","count":2}"""))).Status);
        var order = Assert.Single((await ada.AskAsync("/push/sub?channel=orders&seqid=0")).Elements).GetProperty("msg");
        Assert.Equal(("tea", 2), (order.GetProperty("item").GetString(), order.GetProperty("count").GetInt32()));

        (await ada.AskAsync("/push/pub?channel=orders&msg=m")).AssertProblem(403, "channel");
        (await ada.AskAsync("/push/sub?channel=user-bob&wait=0")).AssertProblem(403, "channel");
        Assert.Single((await ada.AskAsync("/push/pub?channel=user-ada&msg=m")).Elements);
    }

    [Theory]
    [InlineData("GET", "/sign")]
    [InlineData("POST", "/sign")]
    [InlineData("GET", "/pub")]
    [InlineData("POST", "/pub")]
    [InlineData("GET", "/sub")]
    [InlineData("GET", "/sse")]
    [InlineData("GET", "/stream")]
    [InlineData("GET", "/ws")]
    public async Task Verb_without_a_user_is_refused_by_the_shop(string method, string verb)
    {
        await using var shop = Start();
        using var nobody = await shop.ClientAsync();
        Assert.Equal(401, (await nobody.AskAsync(new HttpMethod(method), $"/push{verb}?channel=orders&msg=m&wait=0")).Status);
        Assert.Equal(401, (await nobody.AskAsync(new HttpMethod(method), $"/push{verb}?channel=orders&msg=m&wait=0&callback=f")).Status);
    }

    [Fact]
    public async Task WebSocket_needs_a_user_and_a_page_that_the_shop_lets_in()
    {
        await using var shop = Start();
        using var ada = await LogInAsync(shop, "ada");
        var cookie = $"Cookie: {ada.DefaultRequestHeaders.GetValues("Cookie").Single()}";
        await AssertAsync("401");
        await AssertAsync("101", cookie);
        await AssertAsync("101", cookie, "Origin: https://partner.example");
        await AssertAsync("403", cookie, "Origin: https://other.example");

        async Task AssertAsync(string status, params string[] headers)
        {
            var (socket, head) = await RawSocket.ShakeHandsAsync(ada.BaseAddress!.Port, "channel=orders", [.. RawSocket.Upgrade, .. headers], "/push/ws");
            using (socket) Assert.StartsWith($"HTTP/1.1 {status} ", head, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Shop_keeps_its_own_CORS_policy_its_limits_and_its_headers()
    {
        await using var shop = Start();
        using var ada = await LogInAsync(shop, "ada");

        // Larger than any body that CComet takes: the shop's own endpoints have the web server's limit.
        Assert.Equal(202, (await ada.AskAsync("/orders", Asking.Body($$"""{"item":"tea",{{new string(' ', 5 << 20)}}"count":1}"""))).Status);
        Assert.Equal(413, (await ada.AskAsync("/push/pub?channel=user-ada", Asking.Body(new string('a', 5 << 20), "text/plain"))).Status);

        var page = await ada.AskAsync(HttpMethod.Get, "/", headers: headers => headers.Add("Origin", "https://partner.example"));
        Assert.Equal((200, "Kestrel"), (page.Status, page.Headers["Server"]));
        Assert.DoesNotContain("Access-Control-Allow-Origin", page.Headers.Keys);
        var push = await ada.AskAsync(HttpMethod.Get, "/push/sub?channel=orders&wait=0", headers: headers => headers.Add("Origin", "https://partner.example"));
        Assert.Equal((200, "https://partner.example", "true"), (push.Status, push.Headers["Access-Control-Allow-Origin"], push.Headers["Access-Control-Allow-Credentials"]));
    }

    /// <summary>Nothing but the stop can end the poll: its time is over in 28 s, and the host would cut it off after 30 s.</summary>
    [Fact]
    public async Task Stop_answers_parked_polls_and_ends_the_shop()
    {
        await using var shop = Start();
        using var ada = await LogInAsync(shop, "ada");
        var older = ada.AskAsync("/push/sub?channel=orders&sname=s");
        var newer = ada.AskAsync("/push/sub?channel=orders&sname=s");

        // One of the two is parked once it has taken the place of the other.
        var replaced = await await Task.WhenAny(older, newer);
        Assert.Equal(409, replaced.Status);
        shop.Terminate();
        var answer = (await Task.WhenAll(older, newer)).Single(a => a.Status != 409);
        Assert.Empty(answer.Elements);
        Assert.Contains("CComet-Retry", answer.Headers.Keys);
        Assert.Equal(0, await shop.ExitAsync());
    }

    [Fact]
    public async Task SQLite_store_has_the_orders_after_a_restart()
    {
        string[] settings = ["--Store=Sqlite", $"--Path={Path.Combine(_data.FullName, "shop.db")}"];
        await using (var shop = Start(settings))
        {
            using var ada = await LogInAsync(shop, "ada");
            Assert.Equal(202, (await ada.AskAsync("/orders", Asking.Body("""{"item":"tea","count":2}"""))).Status);
            shop.Terminate();
            Assert.Equal(0, await shop.ExitAsync());
        }

        await using var again = Start(settings);
        using var bob = await LogInAsync(again, "bob");
        Assert.Single((await bob.AskAsync("/push/sub?channel=orders&seqid=0")).Elements);
    }

    private ServerProcess Start(params string[] settings) =>
        ServerProcess.StartIn(_data.FullName, ["dotnet", Path.Combine(Folder, "EmbedInAspNet.dll"), "--urls=http://127.0.0.1:0", .. settings]);

    private static async Task<HttpClient> LogInAsync(ServerProcess shop, string name)
    {
        var http = await shop.ClientAsync();
        using var answer = await http.PostAsync(new Uri($"/login?name={name}", UriKind.Relative), null);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        http.DefaultRequestHeaders.Add("Cookie", answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
        return http;
    }
}
