using CComet.Web.Tests.EndToEnd.Browser;
using CComet.Web.Tests.Support;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace CComet.Web.Tests.Clients.Samples;

/// <summary><c>samples/VitePage</c>: built and served by the scripts of its README, of another origin than the push server.</summary>
[Collection(Chromium.Pages)]
public sealed class VitePageTests(Chromium chromium)
{
    private static readonly Sample Vite = new("VitePage");

    [Fact]
    public async Task Page_goes_on_from_its_cursor_over_a_killed_server_and_reloads_and_shows_a_gap()
    {
        Vite.MustBeInstalled();
        var origin = $"http://localhost:{Ports.Take()}";
        var settings = Vite.Arguments("dotnet run --project CComet.Web -- ", "").Where(setting => !setting.StartsWith("--urls", StringComparison.Ordinal))
            .Select(setting => setting.Replace("http://localhost:5173", origin, StringComparison.Ordinal));
        await using var server = await KilledServer.StartAsync([.. settings, "--CComet:History:MaxMessages=5"]);
        var built = Path.Combine(server.Folder, "dist");
        await using (var building = Run(server, "build", "--outDir", built, "--emptyOutDir", "--logLevel", "warn"))
            Assert.True(await building.ExitCodeAsync() == 0, string.Join('\n', building.Lines));
        await using var serving = Run(server, "preview", "--outDir", built, "--port", new Uri(origin).Port.ToString(System.Globalization.CultureInfo.InvariantCulture));
        await serving.UntilAsync(() => serving.Lines.Any(line => line.Contains("Local:", StringComparison.Ordinal)), "Vite serves");

        await using var browser = await chromium.OpenPageAsync();
        var page = browser.Page;
        await page.GotoAsync(origin);
        await Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("open");
        await page.GetByLabel("Message", new() { Exact = true }).FillAsync("hello <b>all</b>");
        await page.GetByRole(AriaRole.Button).ClickAsync();
        var shown = page.GetByRole(AriaRole.Log).Locator("li");
        await Expect(shown).ToHaveTextAsync(["hello <b>all</b>"]);

        await server.KillAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("reconnecting");
        await server.StartAgainAsync();
        await server.PublishAsync("lobby", new { n = 1 });
        await Expect(shown).ToHaveTextAsync(["hello <b>all</b>", """{"n":1}"""]);
        await Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("open");
        await Expect(page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("");

        await page.GotoAsync("about:blank");
        await server.PublishAsync("lobby", "away");
        await page.GotoAsync(origin);
        await Expect(shown).ToHaveTextAsync(["away"]);
        await page.ReloadAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("open");
        await server.PublishAsync("lobby", "reloaded");
        await Expect(shown).ToHaveTextAsync(["reloaded"]);

        await page.GotoAsync("about:blank");
        for (var i = 4; i <= 10; i++) await server.PublishAsync("lobby", $"{i}");
        await page.GotoAsync(origin);
        await Expect(shown).ToHaveTextAsync(["Messages 4 to 5 are lost.", "6", "7", "8", "9", "10"]);
        await browser.ScreenshotAsync("vite-page");
        Assert.Empty(browser.Complaints);
    }

    /// <summary>Without colours, which Vite would write where the variable CI is set, and within the words that are waited for.</summary>
    private static RunningProgram Run(KilledServer server, string script, params string[] arguments) =>
        RunningProgram.Start("env", "npm", Vite.Folder, [$"VITE_PUSH_URL={server.Url}", "NO_COLOR=1", "npm", "run", script, "--", .. arguments]);
}
