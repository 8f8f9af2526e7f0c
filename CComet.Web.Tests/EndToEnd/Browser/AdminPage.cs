using System.Text.Json.Nodes;
using CComet.Web.Tests.Support;
using Microsoft.Playwright;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>What tests of the page of administration do with it.</summary>
internal static class AdminPage
{
    private static readonly string Axe = Path.Combine(Chromium.Root, "CComet.Web.Tests", "EndToEnd", "Browser", "node_modules", "axe-core", "axe.min.js");

    /// <summary>Signs a token with the right to administer some channels.</summary>
    public static string Sign(string user, params string[] patterns) =>
        new TestToken(DateTimeOffset.UtcNow).With("sub", user).With("ccomet:admin", new JsonArray([.. patterns.Select(pattern => (JsonNode)pattern)])).Sign(TokenServer.Key);

    /// <summary>Opens the page of a server in mode Token, and signs in.</summary>
    public static async Task SignInAsync(BrowserPage browser, string url, string token)
    {
        await browser.Page.GotoAsync($"{url}/admin/");
        await browser.Page.GetByLabel("Token", new() { Exact = true }).FillAsync(token);
        await browser.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(browser.Page.Locator("#state")).ToHaveTextAsync("Connected");
    }

    /// <summary>Says yes to a dialog.</summary>
    public static Task ConfirmAsync(IPage page, string verb) => page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = verb, Exact = true }).ClickAsync();

    /// <summary>Opens a view by its address.</summary>
    public static Task OpenViewAsync(IPage page, string view) => page.EvaluateAsync("view => { location.hash = `#/${view}`; }", view);

    /// <summary>Checks what is shown by axe, and that it is no wider than the screen; keeps a screenshot.</summary>
    public static async Task CheckAsync(BrowserPage browser, string view, ColorScheme scheme, int width)
    {
        await browser.Page.EvaluateAsync(await File.ReadAllTextAsync(Axe));
        var violations = await browser.Page.EvaluateAsync<string[]>("axe.run().then(found => found.violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.target} ${node.failureSummary}`)))");
        Assert.True(violations.Length == 0, $"{view}: {string.Join(Environment.NewLine, violations)}");
        Assert.True(await browser.Page.EvaluateAsync<int>("document.documentElement.scrollWidth") <= width, $"{view} is wider than {width}.");
        await browser.ScreenshotAsync($"admin-{view}-{width}-{scheme}".ToLowerInvariant());
    }
}
