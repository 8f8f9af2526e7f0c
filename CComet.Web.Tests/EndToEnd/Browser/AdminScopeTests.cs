using CComet.Web.Tests.Support;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>The page of administration, used by an operator of some channels.</summary>
[Collection(Chromium.Pages)]
public sealed class AdminScopeTests(Chromium chromium)
{
    [Fact]
    public async Task Operator_of_some_channels_sees_and_administers_those_alone()
    {
        await using var server = await StartAsync("room.1", "room.2", "hall", "other");
        await using var browser = await chromium.OpenPageAsync();
        var page = browser.Page;
        await AdminPage.SignInAsync(browser, server.Url, AdminPage.Sign("op", "room.*", "hall"));
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Channels" })).ToBeVisibleAsync();
        await Expect(page.GetByText("Your rights cover these channels.")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Navigation).GetByRole(AriaRole.Link)).ToHaveTextAsync(["Channels", "Access"]);
        await Expect(page.Locator("#own li")).ToHaveTextAsync(["room.*", "hall"]);
        var listed = page.Locator("#channel-list tbody tr th");
        await Expect(listed).ToHaveTextAsync(["room.1", "room.2"]);
        await Expect(page.Locator("#broadcast")).ToBeHiddenAsync();

        await page.GetByLabel("Name begins with").FillAsync("room.2");
        await page.GetByRole(AriaRole.Button, new() { Name = "Search" }).ClickAsync();
        await Expect(listed).ToHaveTextAsync(["room.2"]);
        await page.GetByRole(AriaRole.Button, new() { Name = "room.*" }).ClickAsync();
        await Expect(listed).ToHaveTextAsync(["room.1", "room.2"]);
        await page.GetByLabel("Name begins with").FillAsync("other");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#problem")).ToHaveTextAsync("Name begins with: your rights do not cover all channels that begin with 'other'.");

        // What is of the whole server is not shown by its address either.
        foreach (var view in (string[])["overview", "nodes"])
        {
            await AdminPage.OpenViewAsync(page, view);
            await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Channels");
        }

        await page.GetByRole(AriaRole.Link, new() { Name = "hall" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Follow live" }).ClickAsync();
        await Expect(page.Locator("#messages .body")).ToHaveTextAsync(["m"]);
        await page.GetByLabel("Message", new() { Exact = true }).FillAsync("hello");
        await page.GetByRole(AriaRole.Button, new() { Name = "Publish" }).ClickAsync();
        await Expect(page.Locator("#messages .body")).ToHaveTextAsync(["m", "hello"]);
        foreach (var (verb, done) in ((string, string)[])[("Kick", "Kicked from hall: 0 connections on this node."), ("Close", "Closed hall: 0 subscribers ended on this node."), ("Clear", "Cleared hall: 2 messages dropped.")])
        {
            await page.GetByRole(AriaRole.Button, new() { Name = $"{verb}…" }).ClickAsync();
            await AdminPage.ConfirmAsync(page, verb);
            await Expect(page.Locator("#result")).ToHaveTextAsync(done);
        }

        await AdminPage.OpenViewAsync(page, "channels/other");
        await Expect(page.Locator("#problem")).ToContainTextAsync("Not allowed: channel: you have no right to administer 'other'");
        Assert.DoesNotContain(browser.Requested, address => new Uri(address).AbsolutePath is "/admin/stats" or "/admin/stats/stream" or "/admin/nodes");
        Assert.Empty(browser.Complaints);
    }

    [Fact]
    public async Task Operator_of_some_channels_revokes_on_those_and_no_user()
    {
        await using var server = await StartAsync("room.1");
        await using var browser = await chromium.OpenPageAsync();
        var page = browser.Page;
        await AdminPage.SignInAsync(browser, server.Url, AdminPage.Sign("op", "room.*"));
        await page.GetByRole(AriaRole.Link, new() { Name = "Access" }).ClickAsync();
        await Expect(page.GetByText("Kicking a user, revoking tokens of a user and explaining rights need the right")).ToBeVisibleAsync();
        foreach (var form in (string[])["#kick", "#explain"]) await Expect(page.Locator(form)).ToBeHiddenAsync();
        await Expect(page.Locator("#revoke-by option:enabled")).ToHaveTextAsync(["what tokens give on a channel"]);
        await page.GetByLabel("Which").FillAsync("room.1");
        await page.GetByRole(AriaRole.Button, new() { Name = "Revoke…" }).ClickAsync();
        await AdminPage.ConfirmAsync(page, "Revoke");
        await Expect(page.Locator("#result")).ToHaveTextAsync("Revoked: what tokens issued until now give on the channel room.1.");

        // The next who signs in sees nothing of the one before, and the other way round.
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await page.GetByLabel("Token", new() { Exact = true }).FillAsync(AdminPage.Sign("root", "*"));
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#kick")).ToBeVisibleAsync();
        await Expect(page.Locator("#revoke-by option:enabled")).ToHaveCountAsync(3);
        await page.GetByRole(AriaRole.Link, new() { Name = "Overview" }).ClickAsync();
        await Expect(page.Locator("#totals")).ToContainTextAsync("Published");
        Assert.Empty(browser.Complaints);
    }

    [Fact]
    public async Task Operator_of_single_channels_opens_them_and_is_signed_out_when_revoked()
    {
        await using var server = await StartAsync("hall");
        await using var browser = await chromium.OpenPageAsync();
        var page = browser.Page;
        await AdminPage.SignInAsync(browser, server.Url, AdminPage.Sign("op", "hall", "{sub}"));
        await Expect(page.Locator("#own li")).ToHaveTextAsync(["hall", "op"]);
        await Expect(page.Locator("#channel-list")).ToBeHiddenAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Search" })).ToBeHiddenAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "hall" }).ClickAsync();
        await Expect(page.Locator("#facts")).ToContainTextAsync("Next1");

        var revoked = await server.Http.AskAsync(HttpMethod.Post, "/admin/revoke", Asking.Body("""{"sub":"op"}"""), headers => headers.Authorization = new("Bearer", AdminPage.Sign("root", "*")));
        Assert.Equal(200, revoked.Status);
        await page.GetByRole(AriaRole.Button, new() { Name = "Refresh" }).ClickAsync();
        await Expect(page.Locator("#sign-in-problem")).ToContainTextAsync("revoked");
        await Expect(page.Locator("#page")).ToBeHiddenAsync();
        Assert.Empty(browser.Complaints);
    }

    [Theory]
    [InlineData(ColorScheme.Light, 900)]
    [InlineData(ColorScheme.Dark, 900)]
    [InlineData(ColorScheme.Light, 360)]
    [InlineData(ColorScheme.Dark, 360)]
    public async Task Views_have_no_violation_and_are_no_wider_than_the_screen(ColorScheme scheme, int width)
    {
        var long150 = new string('x', 150);
        await using var server = await StartAsync("room.1");
        await using var browser = await chromium.OpenPageAsync(new() { ColorScheme = scheme, ViewportSize = new() { Width = width, Height = 760 } });
        await AdminPage.SignInAsync(browser, server.Url, AdminPage.Sign("op", "room.*", "support.de.*", $"{long150}.*", "hall", $"{long150}y"));
        await Expect(browser.Page.Locator("#channel-list tbody tr")).ToHaveCountAsync(1);
        await AdminPage.CheckAsync(browser, "part-channels", scheme, width);
        await AdminPage.OpenViewAsync(browser.Page, "access");
        await AdminPage.CheckAsync(browser, "part-access", scheme, width);
        Assert.Empty(browser.Complaints);
    }

    /// <summary>Starts a server in mode Token with a message in each of some channels.</summary>
    private static async Task<LiveServer> StartAsync(params string[] channels)
    {
        var server = await LiveServer.StartAsync(TokenServer.Settings);
        var publisher = new TestToken(DateTimeOffset.UtcNow).With("sub", "pub").With("ccomet:publish", "*").Sign(TokenServer.Key);
        foreach (var channel in channels)
        {
            var answer = await server.Http.AskAsync(HttpMethod.Post, $"/pub?channel={channel}&msg=m", null, headers => headers.Authorization = new("Bearer", publisher));
            Assert.True(answer.Status == 200, answer.Text);
        }

        return server;
    }
}
