using CComet.Web.Tests.Support;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>The pages break no rule of accessibility that axe knows, in any of their states, and need nothing that a strict Content-Security-Policy forbids.</summary>
[Collection(Chromium.Pages)]
public sealed class ChatAccessTests(Chromium chromium)
{
    private const string Strict = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly string Axe = Path.Combine(Chromium.Root, "CComet.Web.Tests", "EndToEnd", "Browser", "node_modules", "axe-core", "axe.min.js");

    [Theory]
    [InlineData(ColorScheme.Light, 900)]
    [InlineData(ColorScheme.Dark, 900)]
    [InlineData(ColorScheme.Light, 360)]
    [InlineData(ColorScheme.Dark, 360)]
    public async Task Pages_have_no_violation_in_any_state_under_a_strict_policy(ColorScheme scheme, int width)
    {
        await using var server = await LiveServer.StartAsync("CComet:Limits:MessageBytes=30000");
        await using var browser = await chromium.OpenPageAsync(new() { ColorScheme = scheme, ViewportSize = new() { Width = width, Height = 640 } });
        var page = browser.Page;
        await page.RouteAsync("**/*", async route =>
        {
            if (route.Request.ResourceType != "document")
            {
                await route.ContinueAsync();
                return;
            }

            var answer = await route.FetchAsync();
            await route.FulfillAsync(new() { Response = answer, Headers = answer.Headers.Append(new("content-security-policy", Strict)) });
        });
        var name = $"axe-{scheme}-{width}".ToLowerInvariant();

        await page.GotoAsync(server.Url);
        await Expect(page.Locator("[data-origin]")).ToHaveTextAsync(server.Url);
        await CheckAsync("front page");
        await page.GotoAsync($"{server.Url}/chat.html");
        await page.GetByRole(AriaRole.Button, new() { Name = "Join" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("Please tell your name.");
        await CheckAsync("form with a problem");

        await browser.JoinAsync(server, "tea", "sam");
        await server.PublishAsync("tea", "Who else is called sam? https://example.org/a", "sam");
        await server.PublishAsync("tea", "From somebody", "bob");
        await server.PublishAsync("tea", "Two of it", "bob");
        await server.PublishAsync("tea", new { cpu = 0.5 });
        await server.PublishAsync("tea", string.Concat(Enumerable.Repeat("Long. ", 600)), "bob");
        await browser.SayAsync("☄️");
        await browser.SayAsync("own, with https://example.org/b");
        await Expect(page.Locator("#log article.own")).ToHaveCountAsync(2);
        await CheckAsync("room");
        await browser.ScreenshotAsync(name + "-room");

        await page.EvaluateAsync("() => { Object.defineProperty(document, 'hidden', { configurable: true, get: () => true }); }");
        await server.PublishAsync("tea", "unseen", "bob");
        await Expect(page.Locator("#log .unread")).ToHaveCountAsync(1);
        await CheckAsync("unread line");
        await page.GetByLabel("Message", new() { Exact = true }).FillAsync(new string('x', 60_000));
        await CheckAsync("count");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "Not sent" })).ToBeVisibleAsync();
        await CheckAsync("message that was refused");
        await page.GetByLabel("Message", new() { Exact = true }).FillAsync(new string('x', 70_000));
        await CheckAsync("message over the limit");

        await page.GetByRole(AriaRole.Button, new() { Name = "Insert an emoticon" }).ClickAsync();
        await CheckAsync("menu");
        await page.Keyboard.PressAsync("Escape");
        await page.GetByRole(AriaRole.Button, new() { Name = "Share" }).ClickAsync();
        await CheckAsync("dialog");
        await page.GetByRole(AriaRole.Button, new() { Name = "Close" }).ClickAsync();

        await server.StopAsync();
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Connection" })).ToBeVisibleAsync();
        await CheckAsync("banner");
        await browser.ScreenshotAsync(name + "-banner");
        Assert.Empty(browser.Complaints);

        async Task CheckAsync(string state)
        {
            // What still fades in has not its contrast yet. Some animations have no end.
            await browser.UntilAsync("() => document.getAnimations().every(a => a.playState !== 'running' || a.effect.getComputedTiming().endTime === Infinity)");
            await page.EvaluateAsync(await File.ReadAllTextAsync(Axe));
            var violations = await page.EvaluateAsync<string[]>("axe.run().then(found => found.violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.target} ${node.failureSummary}`)))");
            Assert.True(violations.Length == 0, $"{state}: {string.Join(Environment.NewLine, violations)}");
        }
    }
}
