using System.Collections.Concurrent;
using CComet.Web.Tests.Support;
using Microsoft.Playwright;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>Holds one page of a browser, with what it asked and complained about.</summary>
public sealed class BrowserPage : IAsyncDisposable
{
    /// <summary>The origin of pages that are not the server's own.</summary>
    private const string Elsewhere = "http://page.localhost";

    private readonly ConcurrentQueue<string> _complaints = new();
    private readonly ConcurrentQueue<string> _requests = new();
    private readonly ConcurrentQueue<string> _addresses = new();
    private int _open;
    private int _mostOpen;

    public BrowserPage(IBrowserContext context, IPage page)
    {
        Context = context;
        Page = page;
        page.PageError += (_, error) => _complaints.Enqueue(error);
        page.Console += (_, message) =>
        {
            // A request that fails is told on the console by the browser itself; whether that is right is the test's business.
            if (message.Type == "error" && !message.Text.StartsWith("Failed to load resource", StringComparison.Ordinal)) _complaints.Enqueue(message.Text);
        };
        page.Request += (_, request) =>
        {
            _addresses.Enqueue(request.Url);
            if (!IsSub(request)) return;
            _requests.Enqueue(request.Url);
            var open = Interlocked.Increment(ref _open);
            if (open > _mostOpen) _mostOpen = open;
        };
        page.RequestFinished += (_, request) => Ended(request);
        page.RequestFailed += (_, request) => Ended(request);
    }

    public IBrowserContext Context { get; }

    public IPage Page { get; }

    /// <summary>Uncaught errors, and what the console calls an error, breaches of the Content-Security-Policy among them.</summary>
    public IReadOnlyCollection<string> Complaints => _complaints;

    /// <summary>The addresses of all requests so far.</summary>
    public IReadOnlyCollection<string> Requested => _addresses;

    /// <summary>The addresses of all polls and event streams so far.</summary>
    public IReadOnlyCollection<string> Polls => _requests;

    /// <summary>The most of them that were open at one time.</summary>
    public int MostOpenPolls => _mostOpen;

    /// <summary>Opens a page of another origin than the server's.</summary>
    /// <param name="body">Its markup.</param>
    /// <param name="files">What else it has, by path, as files under the solution's folder.</param>
    public Task HostAsync(string body, params (string Path, string File)[] files) => HostAsync([], body, files);

    /// <summary>Opens a page of another origin than the server's, with headers of its own.</summary>
    public async Task HostAsync(Dictionary<string, string> headers, string body, params (string Path, string File)[] files)
    {
        foreach (var (_, file) in files)
        {
            if (!File.Exists(Path.Combine(Chromium.Root, file)))
                throw new InvalidOperationException($"There is no {file}. What is under node_modules comes by: npm ci --prefix CComet.Web.Tests/EndToEnd/Browser");
        }

        await Page.RouteAsync(Elsewhere + "/**", async route =>
        {
            var path = new Uri(route.Request.Url).AbsolutePath;
            var file = files.FirstOrDefault(f => f.Path == path).File;
            if (path == "/") await route.FulfillAsync(new() { Headers = headers, ContentType = "text/html; charset=utf-8", Body = $"<!doctype html><title>Test</title>{body}" });
            else if (file is not null) await route.FulfillAsync(new() { ContentType = "text/javascript; charset=utf-8", Path = Path.Combine(Chromium.Root, file) });
            else await route.FulfillAsync(new() { Status = 404 });
        });
        await Page.GotoAsync(Elsewhere + "/");
    }

    /// <summary>Opens a page that has the client and the harness.</summary>
    public Task HostClientAsync() => HostAsync(
        "<script src=/js/ccomet.js></script><script src=/harness.js></script><script src=/access.js></script><script src=/work.js></script>",
        ("/js/ccomet.js", "CComet.Web/wwwroot/js/ccomet.js"),
        ("/js/ccomet.mjs", "CComet.Web/wwwroot/js/ccomet.mjs"),
        ("/js/text.js", "CComet.Web/wwwroot/js/text.js"),
        ("/js/timeline.js", "CComet.Web/wwwroot/js/timeline.js"),
        ("/harness.js", "CComet.Web.Tests/EndToEnd/Browser/pages/harness.js"),
        ("/access.js", "CComet.Web.Tests/EndToEnd/Browser/pages/access.js"),
        ("/work.js", "CComet.Web.Tests/EndToEnd/Browser/pages/work.js"));

    /// <summary>
    /// Runs a function in the page and counts the work it does: how often each block of the client's own scripts runs, and the
    /// characters that the built-in functions go over. No clock is asked.
    /// </summary>
    public async Task<double> WorkAsync(string function, object? argument = null)
    {
        var session = await Context.NewCDPSessionAsync(Page);
        await session.SendAsync("Profiler.enable");
        await session.SendAsync("Profiler.startPreciseCoverage", new() { ["callCount"] = true, ["detailed"] = true });
        var characters = await Page.EvaluateAsync<double>($"argument => nativeWork(() => ({function})(argument))", argument);
        var coverage = (await session.SendAsync("Profiler.takePreciseCoverage"))!.Value;
        await session.SendAsync("Profiler.disable");
        await session.DetachAsync();
        return characters + coverage.GetProperty("result").EnumerateArray()
            .Where(script => script.GetProperty("url").GetString()!.StartsWith(Elsewhere + "/js/", StringComparison.Ordinal))
            .SelectMany(script => script.GetProperty("functions").EnumerateArray())
            .SelectMany(function => function.GetProperty("ranges").EnumerateArray())
            .Sum(range => range.GetProperty("count").GetDouble());
    }

    /// <summary>Makes an instance whose events are written down in <c>log</c>.</summary>
    public Task FollowAsync(object options) => Page.EvaluateAsync("options => { record(options) }", options);

    /// <summary>Waits until an expression of the page is true.</summary>
    public Task UntilAsync(string expression, object? argument = null) => Page.WaitForFunctionAsync(expression, argument);

    /// <summary>An expression's value as JSON.</summary>
    public Task<string> JsonAsync(string expression) => Page.EvaluateAsync<string>($"JSON.stringify({expression})");

    public Task UntilOpenAsync() => UntilAsync("() => room.state === 'open'");

    /// <summary>Waits until that many messages came, and gives their texts.</summary>
    public async Task<string[]> TextsAsync(int count)
    {
        await UntilAsync("count => log.messages.length >= count", count);
        return await Page.EvaluateAsync<string[]>("texts()");
    }

    /// <summary>Opens the chat and joins.</summary>
    public async Task JoinAsync(LiveServer server, string channel, string nick, string pathBase = "")
    {
        await AskToJoinAsync(server, channel, nick, pathBase);
        await Assertions.Expect(Page.GetByRole(AriaRole.Status).First).ToHaveTextAsync($"Connected as {nick}");
    }

    /// <summary>Opens the chat and asks to join.</summary>
    public async Task AskToJoinAsync(LiveServer server, string channel, string nick, string pathBase = "")
    {
        await Page.GotoAsync($"{server.Url}{pathBase}/chat.html?channel={Uri.EscapeDataString(channel)}");
        await Page.GetByLabel("Your name").FillAsync(nick);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Join" }).ClickAsync();
    }

    /// <summary>Says something in the chat.</summary>
    public async Task SayAsync(string text)
    {
        await Page.GetByLabel("Message", new() { Exact = true }).FillAsync(text);
        await Page.Keyboard.PressAsync("Enter");
    }

    /// <summary>What is shown of a message with that text.</summary>
    public ILocator Message(string text) => Page.GetByRole(AriaRole.Log).Locator("article").Filter(new() { Has = Page.GetByText(text, new() { Exact = true }) });

    public Task ScreenshotAsync(string name) => Page.ScreenshotAsync(new() { Path = Path.Combine(Chromium.Screenshots, name + ".png"), Animations = ScreenshotAnimations.Disabled });

    public async ValueTask DisposeAsync() => await Context.DisposeAsync();

    private static bool IsSub(IRequest request) => new Uri(request.Url).AbsolutePath is "/sub" or "/sse" or "/subscribe" && request.Method == "GET";

    private void Ended(IRequest request)
    {
        if (IsSub(request)) Interlocked.Decrement(ref _open);
    }
}
