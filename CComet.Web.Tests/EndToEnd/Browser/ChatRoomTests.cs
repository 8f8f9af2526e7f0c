using CComet.Web.Tests.Support;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>Who "You" is in the chat, and what it keeps: the room, drafts, messages on their way, and where one stopped reading.</summary>
[Collection(Chromium.Pages)]
public sealed class ChatRoomTests(Chromium chromium)
{
    private const string Hide = "hidden => { Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden }); document.dispatchEvent(new Event('visibilitychange')); }";

    [Fact]
    public async Task Namesake_is_not_You_and_is_shown_apart()
    {
        await using var server = await LiveServer.StartAsync();
        await using var one = await chromium.OpenPageAsync();
        await using var other = await chromium.OpenPageAsync();
        await one.JoinAsync(server, "a", "sam");
        await one.SayAsync("from one");
        await Expect(one.Message("from one")).ToContainTextAsync("You");
        await other.JoinAsync(server, "a", "sam");

        // In the history, and live.
        await Expect(other.Message("from one")).ToContainTextAsync("sam (other)");
        await other.SayAsync("from the other");
        await Expect(other.Message("from the other")).ToContainTextAsync("You");
        await Expect(one.Message("from the other")).ToContainTextAsync("sam (other)");
        foreach (var (browser, theirs) in new[] { (one, "from the other"), (other, "from one") })
        {
            await Expect(browser.Page.Locator("#log article.own")).ToHaveCountAsync(1);
            await Expect(browser.Message(theirs)).Not.ToContainTextAsync("You");
            await Expect(browser.Page.GetByRole(AriaRole.Log)).ToContainTextAsync("“sam” is also used in another browser here.");
        }

        await Expect(one.Page.Locator("#log .joined").First).ToContainTextAsync("You joined");
        await Expect(one.Page.Locator("#log .joined").Last).ToContainTextAsync("sam (other) joined");
    }

    [Fact]
    public async Task Equal_words_of_a_namesake_are_told_from_ones_own_by_the_receipt()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var receipt = new TaskCompletionSource();
        await browser.Page.RouteAsync("**/pub?*", async route =>
        {
            await receipt.Task;
            await route.ContinueAsync();
        });
        await browser.JoinAsync(server, "a", "sam");
        await browser.SayAsync("hello");
        await server.PublishAsync("a", "hello", "sam");
        await Expect(browser.Message("hello")).ToHaveCountAsync(1);
        receipt.SetResult();

        await Expect(browser.Message("hello")).ToHaveCountAsync(2);
        await Expect(browser.Message("hello").First).ToContainTextAsync("sam (other)");
        await Expect(browser.Message("hello").Last).ToContainTextAsync("You");
        await Expect(browser.Page.Locator("#outbox article")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Own_messages_are_You_after_a_reload_and_in_another_tab_of_the_browser()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.JoinAsync(server, "a", "sam");
        await browser.SayAsync("mine");
        await Expect(browser.Message("mine")).ToContainTextAsync("You");
        await browser.Page.ReloadAsync();
        await Expect(browser.Message("mine")).ToContainTextAsync("You");

        var tab = new BrowserPage(browser.Context, await browser.Context.NewPageAsync());
        await tab.JoinAsync(server, "a", "sam");
        await Expect(tab.Message("mine")).ToContainTextAsync("You");
        await tab.SayAsync("mine from the tab");
        await Expect(browser.Message("mine from the tab")).ToContainTextAsync("You");
        await Expect(browser.Page.Locator("#log .namesake")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Another_name_in_another_tab_of_the_browser_is_not_You()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.JoinAsync(server, "a", "alice");
        var tab = new BrowserPage(browser.Context, await browser.Context.NewPageAsync());
        await tab.JoinAsync(server, "a", "bob");
        await browser.SayAsync("I am alice");

        await Expect(tab.Message("I am alice")).ToContainTextAsync("alice");
        await Expect(tab.Page.Locator("#log article.own")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Reload_rejoins_with_the_draft()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.JoinAsync(server, "a", "alice");
        await browser.SayAsync("said");
        await Expect(browser.Message("said")).ToBeVisibleAsync();
        await Box(browser).FillAsync("half a thought");
        await browser.Page.ReloadAsync();

        await Expect(browser.Page.Locator("#status")).ToHaveTextAsync("Connected as alice");
        await Expect(browser.Message("said")).ToBeVisibleAsync();
        await Expect(Box(browser)).ToHaveValueAsync("half a thought");
        Assert.Empty(browser.Complaints);
    }

    [Fact]
    public async Task Draft_stays_with_its_channel()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.JoinAsync(server, "a", "alice");
        await Box(browser).FillAsync("for a");
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Leave" }).ClickAsync();
        await browser.Page.GetByLabel("Channel", new() { Exact = true }).FillAsync("b");
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Join" }).ClickAsync();
        await Expect(browser.Page.Locator("#status")).ToHaveTextAsync("Connected as alice");
        await Expect(Box(browser)).ToHaveValueAsync("");
        await Box(browser).FillAsync("for b");

        // Another load of the page, as by a link.
        await browser.JoinAsync(server, "a", "alice");
        await Expect(Box(browser)).ToHaveValueAsync("for a");
        await browser.Page.Keyboard.PressAsync("Enter");
        await Expect(browser.Message("for a")).ToBeVisibleAsync();
        await browser.JoinAsync(server, "b", "alice");
        await Expect(Box(browser)).ToHaveValueAsync("for b");
        await browser.JoinAsync(server, "a", "alice");
        await Expect(Box(browser)).ToHaveValueAsync("");
    }

    [Fact]
    public async Task Back_leaves_a_room_and_forward_or_back_after_leaving_rejoins()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.JoinAsync(server, "a", "alice");
        await browser.Page.GoBackAsync();
        await Expect(browser.Page.GetByRole(AriaRole.Heading, new() { Name = "Join a channel" })).ToBeVisibleAsync();
        await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 0, "The end of the subscription");
        await browser.Page.GoForwardAsync();
        await Expect(browser.Page.Locator("#status")).ToHaveTextAsync("Connected as alice");

        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Leave" }).ClickAsync();
        await Expect(browser.Page.GetByLabel("Channel", new() { Exact = true })).ToHaveValueAsync("a");
        await browser.Page.GoBackAsync();
        await Expect(browser.Page.GetByRole(AriaRole.Heading, new() { Name = "a", Exact = true })).ToBeVisibleAsync();
        await Expect(browser.Page.Locator("#status")).ToHaveTextAsync("Connected as alice");

        // From another page too.
        await browser.Page.GotoAsync(server.Url);
        await browser.Page.GoBackAsync();
        await Expect(browser.Page.Locator("#status")).ToHaveTextAsync("Connected as alice");
        Assert.Empty(browser.Complaints);
    }

    [Fact]
    public async Task Message_on_its_way_when_the_page_is_reloaded_is_sent_again_and_stored_once()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var tries = 0;
        var stored = new TaskCompletionSource();
        await browser.Page.RouteAsync("**/pub?*", async route =>
        {
            if (++tries > 1)
            {
                await route.ContinueAsync();
                return;
            }

            // It is stored, and nobody is told.
            await route.FetchAsync();
            stored.SetResult();
        });
        await browser.JoinAsync(server, "a", "alice");
        await browser.SayAsync("once");
        await stored.Task;
        await browser.Page.ReloadAsync();

        await Expect(browser.Message("once")).ToContainTextAsync("You");
        await Expect(browser.Page.Locator("#outbox article")).ToHaveCountAsync(0);
        await Expect(browser.Message("once")).ToHaveCountAsync(1);
        await browser.Page.ReloadAsync();
        await Expect(browser.Message("once")).ToContainTextAsync("You");
        Assert.Equal(2, tries);
    }

    [Fact]
    public async Task Message_over_the_limit_is_counted_refused_before_it_is_sent_and_kept()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var published = 0;
        browser.Page.Request += (_, request) => published += new Uri(request.Url).AbsolutePath == "/pub" ? 1 : 0;
        await browser.JoinAsync(server, "a", "alice");
        var count = browser.Page.Locator("#count");
        await Box(browser).FillAsync("short");
        await Expect(count).ToBeHiddenAsync();

        // Counted in bytes of UTF-8, as the server does: 3 for each of these.
        var limit = new string('☄', 21_845) + "x";
        await Box(browser).FillAsync(limit + "é");
        await Expect(count).ToHaveTextAsync("2 bytes too long");
        await browser.Page.Keyboard.PressAsync("Enter");
        await Expect(count).ToHaveTextAsync("Not sent: 2 bytes too long");
        await Expect(Box(browser)).ToHaveValueAsync(limit + "é");
        await Expect(Box(browser)).ToHaveAttributeAsync("aria-invalid", "true");
        await browser.ScreenshotAsync("chat-too-long");
        Assert.Equal(0, published);

        await Box(browser).FillAsync(limit);
        await Expect(count).ToHaveTextAsync("0 bytes left");
        await browser.Page.Keyboard.PressAsync("Enter");
        await Expect(browser.Page.Locator("#log article.own .text")).ToHaveTextAsync(limit);
        await Expect(browser.Page.Locator("#outbox article")).ToHaveCountAsync(0);
        await Expect(count).ToBeHiddenAsync();
        Assert.Equal(1, published);
    }

    [Fact]
    public async Task Long_message_is_shown_in_part_until_asked_for()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.JoinAsync(server, "a", "alice");
        await server.PublishAsync("a", string.Join('\n', Enumerable.Range(0, 200).Select(i => $"line {i}")), "bob");
        var text = browser.Page.Locator("#log .text");
        var cut = await browser.Page.Locator("#log article").EvaluateAsync<double>("article => article.offsetHeight");
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Show all" }).ClickAsync();

        Assert.InRange(cut, 100, 400);
        Assert.InRange(await browser.Page.Locator("#log article").EvaluateAsync<double>("article => article.offsetHeight"), 3_000, 10_000);
        await Expect(text).ToContainTextAsync("line 199");
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Show less" }).ClickAsync();
        Assert.Equal(cut, await browser.Page.Locator("#log article").EvaluateAsync<double>("article => article.offsetHeight"));
    }

    [Fact]
    public async Task Banner_tells_of_a_lost_connection_counts_down_and_goes_when_it_is_back()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.JoinAsync(server, "a", "alice");
        var banner = browser.Page.GetByRole(AriaRole.Region, new() { Name = "Connection" });
        await Expect(banner).ToBeHiddenAsync();
        await server.StopAsync();

        await Expect(banner).ToContainTextAsync("The connection is lost.");
        await Expect(banner).ToContainTextAsync(new System.Text.RegularExpressions.Regex(@"Trying again in \d+ s\."));
        await browser.ScreenshotAsync("chat-banner");
        await Expect(browser.Page.GetByRole(AriaRole.Button, new() { Name = "Try now" })).ToBeVisibleAsync();
        await using var restarted = await LiveServer.StartAsync(server.Port);

        // When the page finds the server by itself first, the button is hidden.
        await browser.Page.Locator("#retry").DispatchEventAsync("click");
        await Expect(banner).ToBeHiddenAsync();
        await Expect(browser.Page.Locator("#status")).ToHaveTextAsync("Connected as alice");

        await browser.Context.SetOfflineAsync(true);
        await Expect(banner).ToContainTextAsync("You are offline. Goes on as soon as the network is back.");
        await browser.Context.SetOfflineAsync(false);
        await Expect(banner).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Line_stands_before_the_first_unseen_message_until_an_answer()
    {
        await using var server = await LiveServer.StartAsync();
        await server.PublishAsync("a", "history", "bob");
        await using var browser = await chromium.OpenPageAsync();
        await browser.JoinAsync(server, "a", "alice");
        await server.PublishAsync("a", "seen", "bob");
        await Expect(browser.Message("seen")).ToBeVisibleAsync();
        var line = browser.Page.Locator("#log .unread");
        await Expect(line).ToHaveCountAsync(0);
        await browser.Page.EvaluateAsync(Hide, true);
        for (var i = 0; i < 30; i++) await server.PublishAsync("a", $"unseen {i}", "bob");
        await Expect(browser.Page).ToHaveTitleAsync("(30) a · CComet chat");
        await browser.Page.EvaluateAsync(Hide, false);

        // Who comes back begins to read there, with the rest below.
        await Expect(line).ToBeInViewportAsync();
        Assert.Equal("unseen 0", await line.EvaluateAsync<string>("line => line.nextElementSibling.querySelector('.text').textContent"));
        await Expect(browser.Page).ToHaveTitleAsync("a · CComet chat");
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "new messages" }).ClickAsync();
        await Expect(browser.Message("unseen 29")).ToBeInViewportAsync();

        // One line at a time, at the newest such place.
        await browser.Page.EvaluateAsync(Hide, true);
        await server.PublishAsync("a", "unseen again", "bob");
        await Expect(browser.Message("unseen again")).ToBeVisibleAsync();
        await Expect(line).ToHaveCountAsync(1);
        Assert.Equal("unseen again", await line.EvaluateAsync<string>("line => line.nextElementSibling.querySelector('.text').textContent"));
        await browser.Page.EvaluateAsync(Hide, false);
        await browser.SayAsync("answer");
        await Expect(line).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Joins_one_after_another_share_a_line()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.JoinAsync(server, "a", "alice");
        foreach (var name in new[] { "bob", "carol", "bob" }) await server.Http.GetAsync(new Uri($"/sign?channel=a&sname={name}", UriKind.Relative));
        await Expect(browser.Page.Locator("#log .joined")).ToContainTextAsync("You, bob, and carol joined");
        await Expect(browser.Page.Locator("#log .joined")).ToHaveCountAsync(1);

        for (var i = 0; i < 7; i++) await server.Http.GetAsync(new Uri($"/sign?channel=a&sname=guest{i}", UriKind.Relative));
        await Expect(browser.Page.Locator("#log .joined")).ToContainTextAsync("You, bob, carol, guest0, guest1, guest2, and 4 others joined");
    }

    [Fact]
    public async Task Leaving_is_shown_where_it_is_told()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.Page.RouteAsync("**/sse?*", route => route.FulfillAsync(new()
        {
            ContentType = "text/event-stream",
            Body = string.Concat(new[] { ("JOIN", "bob", 1), ("LEAVE", "bob", 2), ("LEAVE", "carol", 3), ("NEWS", "dave", 4) }.Select(e => $"data: {{\"type\":\"{e.Item1}\",\"channel\":\"a\",\"user\":\"{e.Item2}\",\"seqid\":{e.Item3},\"time\":1790000000000}}\n\n")),
        }));
        // The stream ends with its last event: the state "Connected" may pass before a test can see it.
        await browser.AskToJoinAsync(server, "a", "alice");

        await Expect(browser.Page.Locator("#log .left")).ToContainTextAsync("bob and carol left");
        await Expect(browser.Page.Locator("#log")).Not.ToContainTextAsync("dave");
        Assert.Empty(browser.Complaints);
    }

    private static ILocator Box(BrowserPage browser) => browser.Page.GetByLabel("Message", new() { Exact = true });
}
