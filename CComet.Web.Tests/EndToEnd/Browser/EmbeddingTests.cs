using CComet.Web.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>The pages and the client where they are not at the root of their own server.</summary>
[Collection(Chromium.Wire)]
public sealed class EmbeddingTests(Chromium chromium)
{
    [Fact]
    public async Task Chat_works_below_a_path_base()
    {
        await using var server = await LiveServer.StartAsync("CComet:PathBase=/apps/push");
        await using var alice = await chromium.OpenPageAsync();
        await using var bob = await chromium.OpenPageAsync();
        await alice.JoinAsync(server, "room", "alice", "/apps/push");

        // From the start page, which the path base without its slash leads to.
        await bob.Page.GotoAsync($"{server.Url}/apps/push");
        await Expect(bob.Page.Locator("[data-origin]")).ToHaveTextAsync($"{server.Url}/apps/push");
        await bob.Page.GetByText("Open the chat").ClickAsync();
        await bob.Page.GetByLabel("Your name").FillAsync("bob");
        await bob.Page.GetByLabel("Channel", new() { Exact = true }).FillAsync("room");
        await bob.Page.GetByLabel("Channel", new() { Exact = true }).PressAsync("Enter");
        await bob.SayAsync("https://example.org/ hello");
        await Expect(alice.Page.Locator("#log a")).ToHaveAttributeAsync("href", "https://example.org/");

        await alice.Page.GetByLabel("Insert an emoticon").ClickAsync();
        await alice.Page.GetByRole(Microsoft.Playwright.AriaRole.Menuitem).First.ClickAsync();
        await alice.Page.Keyboard.PressAsync("Enter");
        await Expect(bob.Page.Locator("#log article")).ToHaveCountAsync(2);
        Assert.Empty(alice.Complaints);
        Assert.Empty(bob.Complaints);
    }

    [Fact]
    public async Task Client_is_loaded_as_script_and_as_module_by_a_page_that_is_cross_origin_isolated()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        var isolated = new Dictionary<string, string> { ["Cross-Origin-Embedder-Policy"] = "require-corp", ["Cross-Origin-Opener-Policy"] = "same-origin" };
        await browser.HostAsync(isolated, $"<script src={server.Url}/js/ccomet.js></script>");
        Assert.Equal("function", await browser.Page.EvaluateAsync<string>("typeof CComet"));
        Assert.Equal("function", await browser.Page.EvaluateAsync<string>($"import('{server.Url}/js/ccomet.mjs').then(m => typeof m.default)"));
        Assert.Empty(browser.Complaints);
    }

    [Theory]
    [InlineData("sse")]
    [InlineData("fetch")]
    [InlineData("jsonp")]
    [InlineData("websocket")]
    public async Task Named_page_uses_every_transport_and_another_none(string transport)
    {
        await using var server = await LiveServer.StartAsync("CComet:Cors:Origins=http://page.localhost");
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.FollowAsync(new { url = server.Url, channel = "a", transport });
        await browser.UntilOpenAsync();
        await browser.Page.EvaluateAsync("room.publish('said').then(() => {})");
        Assert.Equal(["said"], await browser.TextsAsync(1));

        await using var closed = await LiveServer.StartAsync("CComet:Cors:Origins=http://other.localhost");
        await using var stranger = await chromium.OpenPageAsync();
        await stranger.HostClientAsync();
        await stranger.FollowAsync(new { url = closed.Url, channel = "a", transport });
        await stranger.UntilAsync("() => log.errors.length > 0");
        Assert.Equal(0, closed.Hub.SubscriberCount);
    }
}
