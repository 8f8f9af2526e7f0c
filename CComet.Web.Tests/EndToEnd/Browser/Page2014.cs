using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>A page of 2014 in a browser, of another origin than the server.</summary>
internal sealed class Page2014 : IAsyncDisposable
{
    /// <summary>The channel of every page.</summary>
    public const string Channel = "room";

    private const string Markup =
        "<form id=say><input id=text><button>Say</button></form><table><tbody id=rows></tbody></table><script src=/jquery.js></script><script src=/page-2014.js></script>";

    private readonly object _arguments;

    private Page2014(BrowserPage browser, string url, string sname)
    {
        Browser = browser;
        _arguments = new { url, channel = Channel, sname };
    }

    public BrowserPage Browser { get; }

    /// <summary>Opens it, and does not sign in.</summary>
    /// <param name="chromium">The browser.</param>
    /// <param name="url">The server's address, without a slash at the end.</param>
    /// <param name="sname">The nickname.</param>
    /// <param name="stopsClock">Whether the page's clock goes on only by <see cref="TurnAsync"/>.</param>
    public static async Task<Page2014> OpenAsync(Chromium chromium, string url, string sname, bool stopsClock = false)
    {
        var browser = await chromium.OpenPageAsync();
        var began = DateTime.UnixEpoch.AddYears(44);
        if (stopsClock) await browser.Page.Clock.InstallAsync(new() { TimeDate = began });
        await browser.HostAsync(
            Markup,
            ("/jquery.js", "CComet.Web.Tests/EndToEnd/Browser/node_modules/jquery-1.11/dist/jquery.js"),
            ("/page-2014.js", "CComet.Web.Tests/EndToEnd/Browser/seed/page-2014.js"));
        if (stopsClock) await browser.Page.Clock.PauseAtAsync(began.AddHours(1));
        return new Page2014(browser, url, sname);
    }

    /// <summary>Signs in, which is followed by the first poll.</summary>
    public Task SignAsync() => Browser.Page.EvaluateAsync("({ url, channel, sname }) => { window.page = new Page2014(url, channel, sname); page.sign(); }", _arguments);

    /// <summary>Loads the page again, and signs in again.</summary>
    public async Task ReloadAsync()
    {
        await Browser.Page.ReloadAsync();
        await SignAsync();
    }

    /// <summary>Types a text and sends it.</summary>
    public async Task SayAsync(string text)
    {
        await Browser.Page.Locator("#text").FillAsync(text);
        await Browser.Page.Keyboard.PressAsync("Enter");
    }

    /// <summary>Lets time pass in the page.</summary>
    public Task TurnAsync(TimeSpan time) => Browser.Page.Clock.RunForAsync((long)time.TotalMilliseconds);

    /// <summary>How many polls it has begun.</summary>
    public Task<int> PollsAsync() => Browser.Page.EvaluateAsync<int>("page.polls");

    /// <summary>The rows of its table as they are read: the name, a colon, the message.</summary>
    public Task<string[]> RowsAsync() => Browser.Page.EvaluateAsync<string[]>("[...document.querySelectorAll('#rows tr')].map(row => [...row.cells].map(cell => cell.textContent).join(': '))");

    /// <summary>Waits until there are as many rows as expected, or an error, and compares them.</summary>
    public async Task ExpectRowsAsync(IReadOnlyList<string> rows)
    {
        await Eventually.TrueAsync(async () => Browser.Complaints.Count > 0 || (await RowsAsync()).Length >= rows.Count, $"The row {(rows.Count > 0 ? rows[^1] : "")}");
        Assert.Equal(rows, await RowsAsync());
    }

    public ValueTask DisposeAsync() => Browser.DisposeAsync();
}
