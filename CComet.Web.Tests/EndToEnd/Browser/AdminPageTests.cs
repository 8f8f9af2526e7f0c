using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>The page of administration, used by an operator.</summary>
[Collection(Chromium.Pages)]
public sealed class AdminPageTests(Chromium chromium)
{
    private const string Attack = "<img src=x onerror=\"window.hurt=1\"><script>window.hurt=1</script>'\"><b>b</b>";

    [Fact]
    public async Task Channel_is_listed_published_to_cleared_and_closed()
    {
        await using var server = await LiveServer.StartAsync();
        await server.PublishAsync("news/today", "first", "ann");
        await server.PublishAsync("other", "m");
        await using var browser = await OpenAsync(server.Url);
        var page = browser.Page;
        await page.GetByRole(AriaRole.Link, new() { Name = "Channels" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Channels" })).ToBeFocusedAsync();
        await page.GetByLabel("Name begins with").FillAsync("news");
        await page.GetByRole(AriaRole.Button, new() { Name = "Search" }).ClickAsync();
        await Expect(page.Locator("#channel-list tbody tr")).ToHaveCountAsync(1);
        await page.GetByRole(AriaRole.Link, new() { Name = "news/today" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Follow live" }).ClickAsync();
        await Expect(page.Locator("#following")).ToHaveTextAsync("Live, by events.");
        await Expect(page.Locator("#messages")).ToContainTextAsync("first");

        await page.GetByLabel("Message", new() { Exact = true }).FillAsync("{\"n\":2}");
        await page.GetByLabel("The message is JSON").CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Publish" }).ClickAsync();
        await Expect(page.Locator("#result")).ToHaveTextAsync("Published to news/today as number 1.");
        await Expect(page.Locator("#messages .body").Last).ToHaveTextAsync("{\"n\":2}");
        Assert.Equal(2, server.Hub.Find("news/today")!.Head.End);

        // What is asked for is not done before it is confirmed, and the focus comes back.
        var clear = page.GetByRole(AriaRole.Button, new() { Name = "Clear…" });
        await clear.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("Drops all messages of the channel news/today.");
        await page.Keyboard.PressAsync("Escape");
        await Expect(clear).ToBeFocusedAsync();
        Assert.Equal(2, server.Hub.Find("news/today")!.Head.End);
        await clear.ClickAsync();
        await AdminPage.ConfirmAsync(page, "Clear");
        await Expect(page.Locator("#result")).ToHaveTextAsync("Cleared news/today: 2 messages dropped.");
        await Expect(page.Locator("#messages .note")).ToHaveTextAsync("The log began anew.");

        await page.GetByRole(AriaRole.Button, new() { Name = "Close…" }).ClickAsync();
        await AdminPage.ConfirmAsync(page, "Close");
        await Expect(page.Locator("#result")).ToHaveTextAsync("Closed news/today: 1 subscriber ended on this node.");
        await Expect(page.Locator("#messages .note").Last).ToHaveTextAsync("The channel was closed.");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Follow live" })).ToHaveAttributeAsync("aria-pressed", "false");
        Assert.Empty(browser.Complaints);
    }

    [Fact]
    public async Task Pages_of_channels_are_turned_and_sorted()
    {
        await using var server = await LiveServer.StartAsync();
        for (var i = 0; i < 60; i++) await server.PublishAsync($"c{i:00}", "m");
        await server.PublishAsync("c49", "m");
        await using var browser = await OpenAsync(server.Url, "#/channels");
        var page = browser.Page;
        var first = page.Locator("#channel-list tbody tr").First.GetByRole(AriaRole.Link);
        await Expect(first).ToHaveTextAsync("c00");
        var messages = page.GetByRole(AriaRole.Button, new() { Name = "Messages" });
        await messages.ClickAsync();
        await messages.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Columnheader, new() { Name = "Messages" })).ToHaveAttributeAsync("aria-sort", "descending");
        await Expect(first).ToHaveTextAsync("c49");

        await page.GetByRole(AriaRole.Button, new() { Name = "Next" }).ClickAsync();
        await Expect(first).ToHaveTextAsync("c50");
        await Expect(page.Locator("#channel-list tbody tr")).ToHaveCountAsync(10);
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Back" })).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(first).ToHaveTextAsync("c49");
    }

    [Fact]
    public async Task Own_address_has_the_page_and_it_follows_by_asking()
    {
        var port = Ports.Take();
        await using var server = await LiveServer.StartAsync("environment=Production", $"CComet:Admin:Urls=http://127.0.0.1:{port}");
        await using var browser = await OpenAsync($"http://127.0.0.1:{port}", "#/channels/a%2Fb");
        var page = browser.Page;
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("'a/b' has no messages, and no subscribers.");
        await page.GetByRole(AriaRole.Button, new() { Name = "Follow live" }).ClickAsync();
        await server.PublishAsync("a/b", "one");
        await Expect(page.Locator("#messages .body")).ToHaveTextAsync(["one"]);
        await server.PublishAsync("a/b", "two");
        await Expect(page.Locator("#messages .body")).ToHaveTextAsync(["one", "two"]);
        await Expect(page.Locator("#following")).ToHaveTextAsync("Live, asked for each second.");
        Assert.Empty(browser.Complaints);
    }

    [Fact]
    public async Task Channel_is_followed_from_before_its_first_message_over_a_restart()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await OpenAsync(server.Url, "#/channels/a");
        var page = browser.Page;
        var bodies = page.Locator("#messages .body");
        await page.GetByRole(AriaRole.Button, new() { Name = "Follow live" }).ClickAsync();
        await Expect(page.Locator("#following")).ToHaveTextAsync("Live, by events.");
        for (var i = 0; i < 3; i++) await server.PublishAsync("a", $"m{i}");
        await Expect(bodies).ToHaveTextAsync(["m0", "m1", "m2"]);

        // What is shown anew does not come twice.
        await page.GetByRole(AriaRole.Button, new() { Name = "Show the newest" }).ClickAsync();
        await server.PublishAsync("a", "m3");
        await Expect(bodies).ToHaveTextAsync(["m0", "m1", "m2", "m3"]);
        await server.StopAsync();
        await using var restarted = await LiveServer.StartAsync(server.Port);
        await restarted.PublishAsync("a", "new");
        await Expect(bodies).ToHaveTextAsync(["m0", "m1", "m2", "m3", "new"]);
        await Expect(page.Locator("#messages .note").Last).ToHaveTextAsync("The log began anew.");
    }

    [Fact]
    public async Task User_is_kicked_and_the_node_drained()
    {
        await using var server = await LiveServer.StartAsync();
        using var stream = await server.Http.GetAsync(new Uri("/stream?channel=a&sname=ann", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await stream.Content.ReadAsStreamAsync());
        await using var browser = await OpenAsync(server.Url, "#/access");
        var page = browser.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "Kick…" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("User: is missing.");
        await page.GetByLabel("User", new() { Exact = true }).FillAsync("ann");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("Ends all connections of the user ann on every node.");
        await AdminPage.ConfirmAsync(page, "Kick");
        await Expect(page.Locator("#result")).ToHaveTextAsync("Kicked ann: 1 connection on this node.");
        Assert.Contains("\"reason\":\"kicked\"", await lines.ReadToEndAsync(), StringComparison.Ordinal);

        using var left = await server.Http.GetAsync(new Uri("/stream?channel=a", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        await page.GetByRole(AriaRole.Link, new() { Name = "Nodes" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Drain" }).ClickAsync();
        Assert.False(server.Hub.IsDraining);
        await AdminPage.ConfirmAsync(page, "Drain");
        await Expect(page.Locator("#drains p")).ToHaveTextAsync("1 of 1 were sent away; 0 are left.");
        await Expect(page.Locator("#drains strong")).ToContainTextAsync("(this one)");
        await Expect(page.Locator("#node-list tbody")).ToContainTextAsync("draining");
        Assert.True(server.Hub.IsDraining);
        Assert.Empty(browser.Complaints);
    }

    [Fact]
    public async Task Drain_of_another_node_is_shown_as_it_goes_on()
    {
        var (time, grace) = (new FakeTimeProvider(DateTimeOffset.UtcNow), TimeSpan.FromMinutes(10));
        await using var redis = await RedisServer.StartAsync();
        string[] settings = ["CComet:Store:Kind=Redis", $"CComet:Store:Redis={redis.Address}"];
        await using var server = await LiveServer.StartAsync(settings);
        await using var other = await LiveServer.StartAsync(0, new CCometFactory(time, [.. settings, $"CComet:Drain:Grace={grace}"]));
        using var first = await Follower.OpenAsync("/stream", other.Port, "channel=a");
        using var second = await Follower.OpenAsync("/stream", other.Port, "channel=a");
        await using var browser = await OpenAsync(server.Url, "#/nodes", new() { ColorScheme = ColorScheme.Dark, ViewportSize = new() { Width = 360, Height = 760 } });
        var page = browser.Page;
        await Expect(page.Locator("#no-drain")).ToHaveTextAsync("No node drains.");
        var row = page.Locator("#node-list tbody tr").Filter(new() { HasNotText = "(this one)" });
        await row.GetByRole(AriaRole.Button).ClickAsync();
        await AdminPage.ConfirmAsync(page, "Drain");
        await Expect(page.Locator("#drains p")).ToHaveTextAsync("0 of 2 were sent away; 2 are left.");
        await Expect(page.Locator("#no-drain")).ToBeHiddenAsync();
        await Expect(page.Locator("#drains strong")).Not.ToContainTextAsync("(this one)");
        first.Dispose();
        await Eventually.TrueAsync(() => other.Hub.SubscriberCount == 1, "One has left");
        time.Advance(TimeSpan.FromSeconds(1));
        await Expect(page.Locator("#drains p")).ToHaveTextAsync("1 of 2 were sent away; 1 are left.");
        Assert.Equal("1", await page.Locator("#drains progress").EvaluateAsync<string>("bar => `${bar.value}`"));
        await AdminPage.CheckAsync(browser, "drains", ColorScheme.Dark, 360);
        Assert.False(server.Hub.IsDraining);
        Assert.Empty(browser.Complaints);
        time.Advance(grace);
    }

    [Fact]
    public async Task Token_signs_in_and_is_kept_nowhere()
    {
        await using var server = await LiveServer.StartAsync(TokenServer.Settings);
        await using var browser = await chromium.OpenPageAsync();
        var page = browser.Page;
        await page.GotoAsync($"{server.Url}/admin/");
        await Expect(page.GetByLabel("Token", new() { Exact = true })).ToBeFocusedAsync();
        await SignInAsync("no-token");
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("Not signed in: the server does not take this token");
        await SignInAsync(AdminPage.Sign("a"));
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("Not allowed: channel:");
        await SignInAsync(AdminPage.Sign("op", "*"));
        await Expect(page.Locator("#state")).ToHaveTextAsync("Connected");

        await page.GetByRole(AriaRole.Link, new() { Name = "Access" }).ClickAsync();
        await page.GetByLabel("Right", new() { Exact = true }).SelectOptionAsync("publish");
        await page.GetByLabel("Channel", new() { Exact = true }).FillAsync("news");
        await page.GetByRole(AriaRole.Button, new() { Name = "Explain" }).ClickAsync();
        await Expect(page.Locator("#explained")).ToContainTextAsync("Not allowed: a caller without a token may not publish to 'news'");
        Assert.Equal("[false,false,false,false]", await browser.JsonAsync("[location.href, JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage }), document.documentElement.outerHTML].map(text => text.includes('eyJ'))"));
        Assert.DoesNotContain(browser.Requested, address => address.Contains("eyJ", StringComparison.Ordinal));

        // Its own user is revoked: the page signs out, and says why.
        await page.GetByLabel("Which").FillAsync("op");
        await page.GetByRole(AriaRole.Button, new() { Name = "Revoke…" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("Revokes all tokens of the user op that were issued until now");
        await AdminPage.ConfirmAsync(page, "Revoke");
        await Expect(page.Locator("#sign-in-problem")).ToContainTextAsync("revoked");
        await Expect(page.Locator("#page")).ToBeHiddenAsync();
        Assert.Empty(browser.Complaints);

        async Task SignInAsync(string token)
        {
            await page.GetByLabel("Token", new() { Exact = true }).FillAsync(token);
            await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        }
    }

    [Fact]
    public async Task No_text_of_a_channel_a_message_or_a_name_becomes_markup()
    {
        await using var server = await LiveServer.StartAsync();
        await server.PublishAsync(Attack, Attack, Attack);
        await server.PublishAsync(Attack, new Dictionary<string, string> { [Attack] = Attack });
        await using var browser = await OpenAsync(server.Url, "#/channels");
        var page = browser.Page;
        await page.GetByRole(AriaRole.Link, new() { Name = Attack }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = Attack, Exact = true })).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Show the newest" }).ClickAsync();
        await Expect(page.Locator("#messages .body").First).ToHaveTextAsync(Attack);
        await Expect(page.Locator("#messages li")).ToHaveCountAsync(2);
        await page.GetByRole(AriaRole.Button, new() { Name = "Clear…" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog)).ToContainTextAsync(Attack);
        await AdminPage.ConfirmAsync(page, "Clear");
        await Expect(page.Locator("#result")).ToContainTextAsync(Attack);
        await page.GetByRole(AriaRole.Link, new() { Name = "Access" }).ClickAsync();
        await page.GetByLabel("User", new() { Exact = true }).FillAsync(Attack);
        await page.Keyboard.PressAsync("Enter");
        await AdminPage.ConfirmAsync(page, "Kick");
        await Expect(page.Locator("#result")).ToContainTextAsync(Attack);

        await Expect(page.Locator("main :is(img, script, b:not(figcaption b), [onclick], [onerror]), dialog :is(img, script, b)")).ToHaveCountAsync(0);
        Assert.False(await page.EvaluateAsync<bool>("'hurt' in window"));
        Assert.Empty(browser.Complaints);
    }

    [Fact]
    public async Task Figures_come_back_after_the_server_was_restarted()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await OpenAsync(server.Url);
        await server.StopAsync();
        await Expect(browser.Page.Locator("#state")).ToHaveTextAsync("Reconnecting…");
        await using var restarted = await LiveServer.StartAsync(server.Port);
        await Expect(browser.Page.Locator("#state")).ToHaveTextAsync("Connected");
    }

    [Theory]
    [InlineData(ColorScheme.Light, 900)]
    [InlineData(ColorScheme.Dark, 900)]
    [InlineData(ColorScheme.Light, 360)]
    [InlineData(ColorScheme.Dark, 360)]
    public async Task Views_have_no_violation_and_are_no_wider_than_the_screen(ColorScheme scheme, int width)
    {
        await using var server = await LiveServer.StartAsync(TokenServer.Settings);
        await using var browser = await chromium.OpenPageAsync(new() { ColorScheme = scheme, ViewportSize = new() { Width = width, Height = 760 } });
        var page = browser.Page;
        var long150 = new string('x', 150);
        await page.GotoAsync($"{server.Url}/admin/");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await CheckAsync("sign-in");
        await page.GetByLabel("Token", new() { Exact = true }).FillAsync(AdminPage.Sign("op", "*"));
        await page.Keyboard.PressAsync("Enter");
        await browser.UntilAsync("() => document.querySelector('#plots polyline').getAttribute('points')?.includes(' ')");
        await CheckAsync("overview");

        await OpenViewAsync($"channels/{long150}");
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("has no messages");
        await page.GetByLabel("Message", new() { Exact = true }).FillAsync(new string('w', 400));
        await page.GetByRole(AriaRole.Button, new() { Name = "Publish" }).ClickAsync();
        await Expect(page.Locator("#result")).ToContainTextAsync("Published");
        await page.GetByRole(AriaRole.Button, new() { Name = "Follow live" }).ClickAsync();
        await Expect(page.Locator("#messages li")).ToHaveCountAsync(1);
        await CheckAsync("channel");
        await page.GetByRole(AriaRole.Button, new() { Name = "Clear…" }).ClickAsync();
        await CheckAsync("dialog");
        await page.Keyboard.PressAsync("Escape");
        await OpenViewAsync("channels");
        await Expect(page.Locator("#channel-list tbody tr")).ToHaveCountAsync(1);
        await CheckAsync("channels");
        await OpenViewAsync("nodes");
        await Expect(page.Locator("#node-list tbody tr")).ToHaveCountAsync(1);
        await CheckAsync("nodes");
        await OpenViewAsync("access");
        await page.GetByLabel("Channel", new() { Exact = true }).FillAsync(long150);
        await page.GetByRole(AriaRole.Button, new() { Name = "Explain" }).ClickAsync();
        await Expect(page.Locator("#explained p").First).ToBeVisibleAsync();
        await CheckAsync("access");
        Assert.Empty(browser.Complaints);

        Task OpenViewAsync(string view) => AdminPage.OpenViewAsync(page, view);

        Task CheckAsync(string view) => AdminPage.CheckAsync(browser, view, scheme, width);
    }

    /// <summary>Opens the page of a server that asks for no token.</summary>
    private async Task<BrowserPage> OpenAsync(string url, string view = "", BrowserNewContextOptions? options = null)
    {
        var browser = await chromium.OpenPageAsync(options);
        await browser.Page.GotoAsync($"{url}/admin/{view}");
        await Expect(browser.Page.Locator("#state")).ToHaveTextAsync("Connected");
        return browser;
    }
}
