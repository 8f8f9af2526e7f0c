using CComet.Web.Tests.Embedding;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>The page of <c>samples/JwtChat</c>, under its own Content-Security-Policy, with the push server on another port.</summary>
[Collection(Chromium.Pages)]
public sealed class JwtChatTests(Chromium chromium)
{
    [Fact]
    public async Task Users_chat_and_what_one_has_no_right_to_is_told_with_its_reason()
    {
        await using var programs = await JwtChatPrograms.StartAsync();
        await using var ada = await chromium.OpenPageAsync();
        await using var mia = await chromium.OpenPageAsync();
        await LogInAsync(ada, programs, "ada");
        await LogInAsync(mia, programs, "mia");
        foreach (var page in (IPage[])[ada.Page, mia.Page])
            foreach (var section in (string[])["#room", "#news", "#inbox"]) await Expect(page.Locator(section)).ToHaveAttributeAsync("data-state", "open");

        await SendAsync(ada, "#say", "hello");
        await Expect(mia.Page.Locator("#room li")).ToHaveTextAsync(["ada: hello"]);
        await SendAsync(mia, "#tell", "Tea is served");
        await Expect(ada.Page.Locator("#news li")).ToHaveTextAsync(["mia: Tea is served"]);
        await ada.Page.GetByLabel("To").FillAsync("mia");
        await SendAsync(ada, "#note", "for you <b>alone</b>");
        await Expect(mia.Page.Locator("#inbox li")).ToHaveTextAsync(["ada: for you <b>alone</b>"]);

        await SendAsync(ada, "#tell", "mine");
        await Expect(ada.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("ccomet:publish");
        await Expect(ada.Page.Locator("#tell input")).ToHaveValueAsync("mine");
        await ada.ScreenshotAsync("jwt-chat");

        // One channel that is refused does not take the others along, with which it shares a connection.
        await ada.Page.GetByLabel("Channel").FillAsync("inbox.mia");
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Enter" }).ClickAsync();
        await Expect(ada.Page.Locator("#room")).ToHaveAttributeAsync("data-state", "refused");
        await Expect(ada.Page.Locator("#room [role=status]")).ToContainTextAsync("ccomet:subscribe");
        await Expect(ada.Page.Locator("#news")).ToHaveAttributeAsync("data-state", "open");
        await Expect(ada.Page.Locator("#inbox")).ToHaveAttributeAsync("data-state", "open");
        await ada.ScreenshotAsync("jwt-chat-refused");

        // Logged out in one tab, the user is so in the other, once that asks for a token.
        var tab = await ada.Context.NewPageAsync();
        await tab.GotoAsync(programs.App);
        await tab.GetByRole(AriaRole.Button, new() { Name = "Log out" }).ClickAsync();
        await Expect(tab.GetByLabel("Your name")).ToBeVisibleAsync();
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Try again" }).ClickAsync();
        await Expect(ada.Page.GetByLabel("Your name")).ToBeVisibleAsync();
        await Expect(ada.Page.Locator("#chat")).ToBeHiddenAsync();
        Assert.Empty(ada.Complaints);
        Assert.Empty(mia.Complaints);
    }

    [Fact]
    public async Task Token_that_has_expired_is_told_and_another_is_asked_for_once_the_user_wants_it()
    {
        await using var programs = await JwtChatPrograms.StartAsync("--Push:TokenLife=-00:05:00");
        await using var ada = await chromium.OpenPageAsync();
        await LogInAsync(ada, programs, "ada");
        await Expect(ada.Page.Locator("#room")).ToHaveAttributeAsync("data-state", "refused");
        await Expect(ada.Page.Locator("#room [role=status]")).ToContainTextAsync("expired");
        await ada.ScreenshotAsync("jwt-chat-expired");

        var asked = ada.Page.WaitForRequestAsync($"{programs.App}/token");
        await ada.Page.Locator("#room").GetByRole(AriaRole.Button, new() { Name = "Try again" }).ClickAsync();
        Assert.Equal("POST", (await asked).Method);
        Assert.Empty(ada.Complaints);
    }

    private static async Task LogInAsync(BrowserPage browser, JwtChatPrograms programs, string name)
    {
        await browser.Page.GotoAsync(programs.App);
        await browser.Page.GetByLabel("Your name").FillAsync(name);
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Log in" }).ClickAsync();
        await Expect(browser.Page.Locator("#me")).ToHaveTextAsync(name);
    }

    private static async Task SendAsync(BrowserPage browser, string form, string text)
    {
        await browser.Page.Locator($"{form} [name=text]").FillAsync(text);
        await browser.Page.Locator($"{form} button").ClickAsync();
    }
}
