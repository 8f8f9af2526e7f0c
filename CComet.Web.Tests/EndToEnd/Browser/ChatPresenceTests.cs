using CComet.Web.Tests.Support;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>Who is in the room, on the chat page.</summary>
[Collection(Chromium.Pages)]
public sealed class ChatPresenceTests(Chromium chromium)
{
    private static readonly string[] Settings = ["CComet:Presence:Channels=*", "CComet:Presence:LeaveAfter=00:00:00.3"];

    [Fact]
    public async Task People_see_who_is_here_and_who_left()
    {
        await using var server = await LiveServer.StartAsync(Settings);
        await using var alice = await chromium.OpenPageAsync();
        var bob = await chromium.OpenPageAsync(new() { ViewportSize = new() { Width = 360, Height = 640 }, ColorScheme = ColorScheme.Dark });
        await alice.JoinAsync(server, "tea", "alice");
        await bob.JoinAsync(server, "tea", "<b>bob</b>");
        await alice.Page.GetByRole(AriaRole.Button, new() { Name = "2 people are here" }).ClickAsync();
        await Expect(alice.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Listitem)).ToHaveTextAsync(["alice (you)", "<b>bob</b>"]);
        await alice.ScreenshotAsync("chat-here");
        await Expect(bob.Page.GetByRole(AriaRole.Button, new() { Name = "2 people are here" })).ToBeVisibleAsync();
        await bob.ScreenshotAsync("chat-here-phone-dark");

        Assert.Empty(bob.Complaints);
        await bob.DisposeAsync();
        await Expect(alice.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Listitem)).ToHaveTextAsync(["alice (you)"]);
        await alice.Page.Keyboard.PressAsync("Escape");
        await Expect(alice.Page.GetByRole(AriaRole.Log)).ToContainTextAsync("<b>bob</b> left");
        Assert.Empty(alice.Complaints);
    }

    [Fact]
    public async Task Crowd_is_counted_and_named_in_part_without_a_line_for_each()
    {
        const int Crowd = 300;
        await using var server = await LiveServer.StartAsync(Settings);
        await using var alice = await chromium.OpenPageAsync();
        await alice.JoinAsync(server, "tea", "alice");
        var crowd = await Task.WhenAll(Enumerable.Range(0, Crowd).Select(i => OpenAnswer.GetAsync($"{server.Url}/sse?channel=tea&sname=u{i:000}")));
        await alice.Page.GetByRole(AriaRole.Button, new() { Name = "301 people are here" }).ClickAsync();
        await Expect(alice.Page.Locator("#here-list li")).ToHaveCountAsync(201);
        await Expect(alice.Page.Locator("#here-list li").Last).ToHaveTextAsync("and 101 more");
        await alice.ScreenshotAsync("chat-crowd");
        foreach (var one in crowd) one.Dispose();
        await Expect(alice.Page.Locator("#here b")).ToHaveTextAsync("1");
        Assert.InRange(await alice.Page.Locator("#log p.notice").CountAsync(), 1, 3);
        Assert.Empty(alice.Complaints);
    }

    [Fact]
    public async Task Button_is_not_there_where_presence_is_not_kept()
    {
        await using var server = await LiveServer.StartAsync();
        await using var alice = await chromium.OpenPageAsync();
        await alice.JoinAsync(server, "tea", "alice");
        await Expect(alice.Page.Locator("#here")).ToBeHiddenAsync();
        Assert.Empty(alice.Complaints);
    }
}
