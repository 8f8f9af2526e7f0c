using System.Net.Http.Json;
using System.Text.RegularExpressions;
using CComet.Web.Tests.Support;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>The chat page, used by people.</summary>
[Collection(Chromium.Pages)]
public sealed partial class ChatTests(Chromium chromium)
{
    [Fact]
    public async Task Two_people_talk_and_see_who_said_what_and_who_came()
    {
        await using var server = await LiveServer.StartAsync();
        await using var alice = await chromium.OpenPageAsync();
        await using var bob = await chromium.OpenPageAsync(new() { ViewportSize = new() { Width = 390, Height = 844 }, ColorScheme = ColorScheme.Dark });
        await alice.JoinAsync(server, "Comet watchers", "alice");
        await alice.SayAsync("Is anybody here?");
        await Expect(alice.Message("Is anybody here?")).ToContainTextAsync("You");

        // History on joining, and the joining itself told to the other.
        await bob.JoinAsync(server, "Comet watchers", "bob");
        await Expect(bob.Message("Is anybody here?")).ToContainTextAsync("alice");
        await Expect(bob.Page.GetByRole(AriaRole.Log)).ToContainTextAsync("alice joined");
        await Expect(alice.Page.GetByRole(AriaRole.Log)).ToContainTextAsync("bob joined");

        await bob.SayAsync("Yes! ☄️");
        await Expect(alice.Message("Yes! ☄️")).ToContainTextAsync("bob");
        await Expect(bob.Message("Yes! ☄️")).ToContainTextAsync("You");
        await alice.SayAsync("It comes at two.");
        await alice.SayAsync("Bring tea.");
        await Expect(bob.Message("Bring tea.")).ToBeVisibleAsync();
        await Expect(bob.Page.Locator("#log time").First).ToHaveAttributeAsync("datetime", IsoTime());

        await alice.ScreenshotAsync("chat-desktop");
        await bob.ScreenshotAsync("chat-phone-dark");
        Assert.Empty(alice.Complaints);
        Assert.Empty(bob.Complaints);
    }

    [Fact]
    public async Task No_text_of_a_message_a_name_or_a_channel_becomes_markup()
    {
        const string Attack = "<img src=x onerror=\"window.hurt=1\"><script>window.hurt=1</script>'\"><b>b</b>";
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.JoinAsync(server, Attack, "<b onclick=x>n</b>");
        await server.PublishAsync(Attack, Attack, Attack);
        await server.PublishAsync(Attack, new Dictionary<string, string> { [Attack] = Attack });
        await server.PublishAsync(Attack, "javascript:window.hurt=1 data:text/html,x https://example.org/\"onmouseover=\"window.hurt=1", "mallory");
        await browser.SayAsync(Attack);

        await Expect(browser.Page.Locator("#log article")).ToHaveCountAsync(4);
        await Expect(browser.Page.GetByRole(AriaRole.Heading, new() { Name = Attack, Exact = true })).ToBeVisibleAsync();
        await Expect(browser.Page.Locator("#log .name", new() { HasTextString = Attack })).ToHaveCountAsync(1);
        await Expect(browser.Page.Locator("#log .text", new() { HasTextString = Attack })).ToHaveCountAsync(2);
        await Expect(browser.Page.Locator("#log :is(img, script, b, [onclick], [onerror], [onmouseover])")).ToHaveCountAsync(0);
        await Expect(browser.Page.Locator("#log a")).ToHaveAttributeAsync("href", "https://example.org/");
        Assert.False(await browser.Page.EvaluateAsync<bool>("'hurt' in window"));
        Assert.Empty(browser.Complaints);
    }

    [Theory]
    [InlineData("see https://example.org/a?b=c&d=e#f.", "https://example.org/a?b=c&d=e#f")]
    [InlineData("(http://example.org/x_(y))", "http://example.org/x_(y)")]
    [InlineData("HTTPS://EXAMPLE.ORG/Ü, really", "HTTPS://EXAMPLE.ORG/Ü")]
    public async Task Addresses_become_links_that_open_apart_and_tell_nothing(string text, string link)
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.JoinAsync(server, "a", "alice");
        await server.PublishAsync("a", text);
        var shown = browser.Page.Locator("#log a");

        await Expect(shown).ToHaveTextAsync(link);
        await Expect(shown).ToHaveAttributeAsync("href", new Uri(link).AbsoluteUri);
        await Expect(shown).ToHaveAttributeAsync("rel", "noopener noreferrer");
        await Expect(shown).ToHaveAttributeAsync("target", "_blank");
        await Expect(browser.Page.Locator("#log .text")).ToHaveTextAsync(text);
    }

    [Fact]
    public async Task Shift_Enter_begins_a_new_line_and_Enter_sends()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.JoinAsync(server, "a", "alice");
        var box = browser.Page.GetByLabel("Message", new() { Exact = true });
        await Expect(box).ToBeFocusedAsync();
        await browser.Page.Keyboard.TypeAsync("first");
        await browser.Page.Keyboard.PressAsync("Shift+Enter");
        await browser.Page.Keyboard.TypeAsync("second");
        await browser.Page.Keyboard.PressAsync("Enter");

        Assert.Equal("first\nsecond", await browser.Page.Locator("#log .text").TextContentAsync());
        await Expect(box).ToHaveValueAsync("");
        await Expect(box).ToBeFocusedAsync();
    }

    [Fact]
    public async Task Title_counts_unread_messages_until_they_are_seen()
    {
        await using var server = await LiveServer.StartAsync();
        await server.PublishAsync("a", "history", "bob");
        await using var browser = await chromium.OpenPageAsync();
        await browser.JoinAsync(server, "a", "alice");
        const string Hide = "hidden => { Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden }); document.dispatchEvent(new Event('visibilitychange')); }";
        await browser.Page.EvaluateAsync(Hide, true);
        await server.PublishAsync("a", "one", "bob");
        await server.PublishAsync("a", "two", "bob");
        await browser.SayAsync("my own");

        await Expect(browser.Message("my own")).ToContainTextAsync("You");
        await Expect(browser.Page).ToHaveTitleAsync("(2) a · CComet chat");
        await browser.Page.EvaluateAsync(Hide, false);
        await Expect(browser.Page).ToHaveTitleAsync("a · CComet chat");
    }

    [Fact]
    public async Task Server_that_goes_and_comes_back_is_shown_and_its_new_log_told()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.JoinAsync(server, "a", "alice");
        await browser.SayAsync("before");
        await Expect(browser.Message("before")).ToBeVisibleAsync();

        await server.StopAsync();
        await Expect(browser.Page.Locator("#status")).ToHaveTextAsync("Reconnecting…");
        await browser.SayAsync("into the dark");
        await Expect(browser.Page.Locator("#outbox")).ToContainTextAsync("into the dark");
        await browser.ScreenshotAsync("chat-reconnecting");
        await using var restarted = await LiveServer.StartAsync(server.Port);

        await Expect(browser.Page.Locator("#status")).ToHaveTextAsync("Connected as alice");
        await Expect(browser.Page.GetByRole(AriaRole.Log)).ToContainTextAsync("The channel has started over.");
        await Expect(browser.Message("into the dark")).ToBeVisibleAsync();
        await Expect(browser.Page.Locator("#outbox article")).ToHaveCountAsync(0);
        await Expect(browser.Message("before")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Two_people_talk_on_after_the_server_was_restarted()
    {
        await using var server = await LiveServer.StartAsync();
        await using var alice = await chromium.OpenPageAsync();
        await using var bob = await chromium.OpenPageAsync();
        await alice.JoinAsync(server, "a", "alice");
        await bob.JoinAsync(server, "a", "bob");
        await alice.SayAsync("before");
        await Expect(bob.Message("before")).ToBeVisibleAsync();

        await server.StopAsync();
        await using var restarted = await LiveServer.StartAsync(server.Port);
        await alice.SayAsync("after");
        await Expect(bob.Message("after")).ToContainTextAsync("alice");
        await bob.SayAsync("I hear you");
        await Expect(alice.Message("I hear you")).ToContainTextAsync("bob");

        await Expect(alice.Page.Locator("#outbox article")).ToHaveCountAsync(0);
        await Expect(bob.Message("before")).ToHaveCountAsync(1);
        Assert.Empty(alice.Complaints);
    }

    [Fact]
    public async Task Messages_no_longer_kept_are_told()
    {
        await using var server = await LiveServer.StartAsync("CComet:History:MaxMessages=2");
        await using var browser = await chromium.OpenPageAsync();
        await browser.JoinAsync(server, "a", "alice");
        await browser.Context.SetOfflineAsync(true);
        await Expect(browser.Page.Locator("#status")).ToHaveTextAsync("Offline. Waiting for a connection…");
        for (var i = 0; i < 5; i++) await server.PublishAsync("a", $"m{i}");
        await browser.Context.SetOfflineAsync(false);

        await Expect(browser.Message("m4")).ToBeVisibleAsync();
        await Expect(browser.Page.GetByRole(AriaRole.Log)).ToContainTextAsync("3 messages are no longer kept and cannot be shown.");
    }

    [Fact]
    public async Task Message_that_cannot_be_sent_says_why_and_can_be_changed()
    {
        await using var server = await LiveServer.StartAsync("CComet:Limits:MessageBytes=10");
        await using var browser = await chromium.OpenPageAsync();
        await browser.JoinAsync(server, "a", "alice");
        await browser.SayAsync("longer than ten bytes");
        await Expect(browser.Page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "Not sent: msg: is 21 bytes long; the limit is 10." })).ToBeVisibleAsync();
        await browser.ScreenshotAsync("chat-not-sent");
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Edit" }).ClickAsync();
        await Expect(browser.Page.GetByLabel("Message", new() { Exact = true })).ToHaveValueAsync("longer than ten bytes");
        await browser.SayAsync("short");
        await Expect(browser.Message("short")).ToBeVisibleAsync();
        await Expect(browser.Page.Locator("#outbox article")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Message_that_failed_for_a_passing_reason_is_sent_by_retry()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var refuse = true;
        await browser.Page.RouteAsync("**/pub?*", route => refuse
            ? route.FulfillAsync(new() { Status = 403, ContentType = "application/problem+json", Body = """{"type":"urn:ccomet:error:403","status":403,"code":"403","detail":"Not now."}""" })
            : route.ContinueAsync());
        await browser.JoinAsync(server, "a", "alice");
        await browser.SayAsync("again");
        await Expect(browser.Page.Locator("#outbox")).ToContainTextAsync("Not sent: Not now.");
        refuse = false;
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Retry" }).ClickAsync();

        await Expect(browser.Message("again")).ToBeVisibleAsync();
        await Expect(browser.Page.Locator("#outbox article")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Two_people_of_one_name_can_both_stay()
    {
        await using var server = await LiveServer.StartAsync();
        await using var one = await chromium.OpenPageAsync();
        await using var other = await chromium.OpenPageAsync();
        await one.JoinAsync(server, "a", "sam");
        await other.JoinAsync(server, "a", "sam");
        await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 2, "Both polls");
        await one.SayAsync("from one");
        await Expect(other.Message("from one")).ToBeVisibleAsync();
        await other.SayAsync("from the other");
        await Expect(one.Message("from the other")).ToBeVisibleAsync();

        await Expect(one.Page.Locator("#status")).ToHaveTextAsync("Connected as sam");
        await Expect(other.Page.Locator("#status")).ToHaveTextAsync("Connected as sam");
    }

    [Fact]
    public async Task Publish_by_curl_is_shown_without_a_name_and_whatever_its_value()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.JoinAsync(server, "a", "alice");
        using (var form = new FormUrlEncodedContent([new("channel", "a"), new("msg", "from a form")])) (await server.Http.PostAsync(new Uri("/pub", UriKind.Relative), form)).EnsureSuccessStatusCode();
        foreach (var msg in new object?[] { new { cpu = 0.5, host = "web1" }, 42, false, null, "", "   " })
            await server.Http.PostAsJsonAsync("/pub", new { channel = "a", msg });
        await server.PublishAsync("a", "end");

        await Expect(browser.Message("from a form")).ToContainTextAsync("Somebody");
        await Expect(browser.Message("end")).ToBeVisibleAsync();
        await Expect(browser.Page.Locator("#log .json")).ToHaveTextAsync([JsonShown(), new Regex("^42$"), new Regex("^false$"), new Regex("^null$")]);
        Assert.Empty(browser.Complaints);
    }

    [Fact]
    public async Task Emoticons_are_picked_by_keyboard_alone()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.JoinAsync(server, "a", "alice");
        await browser.Page.Keyboard.TypeAsync("hi ");
        var button = browser.Page.GetByRole(AriaRole.Button, new() { Name = "Insert an emoticon" });
        var menu = browser.Page.GetByRole(AriaRole.Menu, new() { Name = "Emoticons" });
        await button.FocusAsync();
        await browser.Page.Keyboard.PressAsync("Enter");
        await Expect(menu.GetByRole(AriaRole.Menuitem).First).ToBeFocusedAsync();
        await browser.Page.Keyboard.PressAsync("Escape");
        await Expect(menu).ToBeHiddenAsync();
        await Expect(button).ToBeFocusedAsync();

        await browser.Page.Keyboard.PressAsync("ArrowDown");
        await browser.Page.Keyboard.PressAsync("ArrowRight");
        await browser.Page.Keyboard.PressAsync("ArrowDown");
        await browser.Page.Keyboard.PressAsync("ArrowUp");
        await Expect(menu.GetByRole(AriaRole.Menuitem, new() { Name = "grinning face" })).ToBeFocusedAsync();
        await browser.ScreenshotAsync("chat-emoticons");
        await browser.Page.Keyboard.PressAsync("Enter");
        await Expect(browser.Page.GetByLabel("Message", new() { Exact = true })).ToBeFocusedAsync();
        await browser.Page.Keyboard.PressAsync("Enter");

        await Expect(browser.Message("hi 😀")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Shared_link_leads_to_the_channel()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync(new() { Permissions = ["clipboard-read", "clipboard-write"] });
        await browser.JoinAsync(server, "tea & 'cakes' #1 ☄️", "alice");
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Share" }).ClickAsync();
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Copy" }).ClickAsync();
        await Expect(browser.Page.Locator("#copied")).ToHaveTextAsync("Copied.");
        var link = await browser.Page.EvaluateAsync<string>("navigator.clipboard.readText()");

        await using var guest = await chromium.OpenPageAsync();
        await guest.Page.GotoAsync(link);
        await Expect(guest.Page.GetByLabel("Channel", new() { Exact = true })).ToHaveValueAsync("tea & 'cakes' #1 ☄️");
        await Expect(guest.Page.GetByLabel("Your name")).ToBeFocusedAsync();
    }

    [Fact]
    public async Task Front_page_leads_to_the_public_channel()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.Page.GotoAsync(server.Url);
        await Expect(browser.Page.Locator("pre").First).ToContainTextAsync($"{server.Url}/pub");
        await browser.Page.GetByRole(AriaRole.Link, new() { Name = "Open the chat" }).ClickAsync();
        await browser.ScreenshotAsync("chat-join");
        await browser.Page.GetByRole(AriaRole.Link, new() { Name = "public channel" }).ClickAsync();
        await Expect(browser.Page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("Please tell your name.");
        await Expect(browser.Page.GetByLabel("Your name")).ToBeFocusedAsync();
        await browser.Page.GetByLabel("Your name").FillAsync("alice");
        await browser.Page.GetByRole(AriaRole.Link, new() { Name = "public channel" }).ClickAsync();

        await Expect(browser.Page.GetByRole(AriaRole.Heading, new() { Name = "public" })).ToBeVisibleAsync();
        await Expect(browser.Page.Locator("#status")).ToHaveTextAsync("Connected as alice");
        Assert.Empty(browser.Complaints);
    }

    [Fact]
    public async Task Channel_that_the_server_refuses_leads_back_to_the_form_with_the_reason()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.Page.GotoAsync($"{server.Url}/chat.html?channel={new string('x', 201)}");
        await browser.Page.GetByLabel("Your name").FillAsync("alice");
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Join" }).ClickAsync();

        await Expect(browser.Page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("channel: is 201 characters long; the limit is 200.");
    }

    [Theory]
    [InlineData(320)]
    [InlineData(390)]
    public async Task Chat_is_no_wider_than_the_screen_of_a_phone(int width)
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync(new() { ViewportSize = new() { Width = width, Height = 700 }, HasTouch = true, IsMobile = true });
        await browser.JoinAsync(server, $"a very long channel name {new string('x', 150)}", "alice");
        await server.PublishAsync($"a very long channel name {new string('x', 150)}", new string('w', 400), new string('n', 150));
        await server.PublishAsync($"a very long channel name {new string('x', 150)}", new { key = new string('v', 300) });
        await browser.SayAsync($"https://example.org/{new string('u', 300)}");
        await Expect(browser.Page.Locator("#log article")).ToHaveCountAsync(3);
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Insert an emoticon" }).ClickAsync();

        Assert.Equal(width, await browser.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        Assert.True(await browser.Page.EvaluateAsync<bool>("[...document.querySelectorAll('#chat *')].every(e => getComputedStyle(e).clipPath !== 'none' || e.getBoundingClientRect().right <= innerWidth + 1)"));
        await browser.ScreenshotAsync($"chat-phone-{width}");
    }

    [Fact]
    public async Task Reader_of_old_messages_is_not_scrolled_away_and_sees_a_count_of_new_ones()
    {
        await using var server = await LiveServer.StartAsync();
        for (var i = 0; i < 60; i++) await server.PublishAsync("a", $"m{i}", "bob");
        await using var browser = await chromium.OpenPageAsync();
        await browser.JoinAsync(server, "a", "alice");
        await Expect(browser.Message("m59")).ToBeInViewportAsync();
        await browser.Page.Locator("#scroll").EvaluateAsync("element => { element.scrollTop = 0; }");
        await Expect(browser.Message("m0")).ToBeInViewportAsync();
        await server.PublishAsync("a", "news", "bob");
        var newest = browser.Page.GetByRole(AriaRole.Button, new() { Name = "1 new message" });
        await Expect(newest).ToBeVisibleAsync();
        await Expect(browser.Message("m0")).ToBeInViewportAsync();
        await newest.ClickAsync();

        await Expect(browser.Message("news")).ToBeInViewportAsync();
        await Expect(newest).ToBeHiddenAsync();
    }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
    private static partial Regex IsoTime();

    [GeneratedRegex("\"cpu\": 0.5,\\s+\"host\": \"web1\"")]
    private static partial Regex JsonShown();
}
