using CComet.Web.Tests.Support;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>The chat with a server that lets in only callers with a token, under a strict Content-Security-Policy.</summary>
[Collection(Chromium.Pages)]
public sealed class ChatTokenTests(Chromium chromium)
{
    private const string Strict = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    [Fact]
    public async Task Page_without_a_way_to_sign_in_says_so()
    {
        await using var server = await LiveServer.StartAsync(TokenServer.Settings);
        await using var browser = await OpenAsync(attribute: "");
        await browser.AskToJoinAsync(server, "room.1", "ann");

        await Expect(browser.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("This server lets in only those who sign in, and this page has no way to.");
        Assert.Empty(browser.Complaints);
    }

    [Fact]
    public async Task Page_that_names_an_address_for_tokens_goes_by_them_and_keeps_none()
    {
        await using var server = await LiveServer.StartAsync(TokenServer.Settings);
        await using var browser = await OpenAsync("data-token-url=\"my/token\"");
        var asked = new List<string>();
        await browser.Page.RouteAsync("**/my/token", route =>
        {
            asked.Add(route.Request.Method);
            return route.FulfillAsync(new() { ContentType = "application/json", Body = $$"""{"token":"{{Sign()}}"}""" });
        });
        await browser.JoinAsync(server, "room.1", "ann");
        await browser.SayAsync("hello");

        await Expect(browser.Message("hello")).ToBeVisibleAsync();
        Assert.Equal(["POST"], asked);
        Assert.Equal("[false,false,false]", await browser.JsonAsync("[location.href, JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage })].map(text => text.includes('eyJ'))"));
        Assert.DoesNotContain(browser.Requested, address => address.Contains("=eyJ", StringComparison.Ordinal));
        Assert.Empty(browser.Complaints);
    }

    [Fact]
    public async Task Page_with_a_token_function_goes_by_it()
    {
        await using var server = await LiveServer.StartAsync(TokenServer.Settings);
        await using var browser = await OpenAsync(attribute: "");
        await browser.Page.ExposeFunctionAsync("ccometToken", Sign);
        await browser.JoinAsync(server, "room.1", "ann");
        Assert.Empty(browser.Complaints);
    }

    [Fact]
    public async Task Visitor_who_is_not_signed_in_is_told_so()
    {
        await using var server = await LiveServer.StartAsync(TokenServer.Settings);
        await using var browser = await OpenAsync("data-token-url=\"my/token\"");
        await browser.Page.RouteAsync("**/my/token", route => route.FulfillAsync(new() { Status = 401 }));
        await browser.AskToJoinAsync(server, "room.1", "ann");

        await Expect(browser.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("You are not signed in, or not any more.");
    }

    [Fact]
    public async Task Visitor_without_the_right_is_told_which()
    {
        await using var server = await LiveServer.StartAsync(TokenServer.Settings);
        await using var browser = await OpenAsync(attribute: "");
        await browser.Page.ExposeFunctionAsync("ccometToken", Sign);
        await browser.AskToJoinAsync(server, "hall", "ann");

        await Expect(browser.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("you have no right to");
    }

    [Theory]
    [InlineData("my/token", "No token could be had: /my/token answers 500.")]
    [InlineData("https://elsewhere.example/token", "No token could be had: data-token-url is not of the origin of this page.")]
    public async Task Address_for_tokens_that_fails_is_shown_until_it_works(string address, string told)
    {
        await using var server = await LiveServer.StartAsync(TokenServer.Settings);
        await using var browser = await OpenAsync($"data-token-url=\"{address}\"");
        await browser.Page.RouteAsync("**/my/token", route => route.FulfillAsync(new() { Status = 500 }));
        await browser.AskToJoinAsync(server, "room.1", "ann");
        await Expect(browser.Page.GetByRole(AriaRole.Region, new() { Name = "Connection" })).ToContainTextAsync(told);
        if (address[0] == 'h') return;

        await browser.Page.RouteAsync("**/my/token", route => route.FulfillAsync(new() { ContentType = "application/json", Body = $$"""{"token":"{{Sign()}}"}""" }));
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "Try now" }).ClickAsync();
        await Expect(browser.Page.GetByRole(AriaRole.Status).First).ToHaveTextAsync("Connected as ann");
    }

    private static string Sign() => new TestToken(DateTimeOffset.UtcNow).With("ccomet:publish", "room.*").Sign(TokenServer.Key);

    /// <summary>A browser to whom the server's pages come with a strict policy, and the chat's body with an attribute.</summary>
    private async Task<BrowserPage> OpenAsync(string attribute)
    {
        var browser = await chromium.OpenPageAsync();
        await browser.Page.RouteAsync("**/chat.html*", async route =>
        {
            var answer = await route.FetchAsync();
            var body = (await answer.TextAsync()).Replace("<body ", $"<body {attribute} ", StringComparison.Ordinal);
            await route.FulfillAsync(new() { Status = answer.Status, ContentType = "text/html; charset=utf-8", Body = body, Headers = [new("content-security-policy", Strict)] });
        });
        return browser;
    }
}
