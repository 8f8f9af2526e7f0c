using CComet.Web.Tests.Support;
using Microsoft.Playwright;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>One Chromium for each collection of tests that need a browser; the collections run side by side.</summary>
public sealed class Chromium : IAsyncLifetime
{
    /// <summary>The collection of tests of the JavaScript client.</summary>
    public const string Client = "Chromium: client";

    /// <summary>The collection of tests of what a client meets on its way.</summary>
    public const string Wire = "Chromium: wire";

    /// <summary>The collection of tests of the pages.</summary>
    public const string Pages = "Chromium: pages";

    /// <summary>A name of 127.0.0.1 that browsers do not take for a secure address: requests to it lack the headers <c>Sec-Fetch-…</c>.</summary>
    public const string PlainHost = "plain.test";

    /// <summary>The same engine without a window of its own to draw, which takes a third of the processor time.</summary>
    private const string Executable = "/usr/bin/chromium-headless-shell";

    private static readonly string[] Arguments =
    [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",

        // Pages of another origin are served by interception, which Chromium takes for the internet; from there it would ask
        // somebody for leave to call 127.0.0.1.
        "--disable-features=LocalNetworkAccessChecks",
        $"--host-resolver-rules=MAP {PlainHost} 127.0.0.1",
    ];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>The folder of the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Where the screenshots go.</summary>
    public static string Screenshots => Path.Combine(Root, "TestResults", "screenshots");

    public async Task InitializeAsync()
    {
        if (!File.Exists(Executable))
            throw new InvalidOperationException($"The browser tests need Chromium at {Executable} (Debian: apt-get install chromium-headless-shell).");
        Assertions.SetDefaultExpectTimeout((float)Patience.Limit.TotalMilliseconds);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = Executable, Args = Arguments });
    }

    /// <summary>Opens a page in a browser context of its own, which shares no cookie, storage or cache with another.</summary>
    public async Task<BrowserPage> OpenPageAsync(BrowserNewContextOptions? options = null)
    {
        var context = await _browser!.NewContextAsync(options);
        context.SetDefaultTimeout((float)Patience.Limit.TotalMilliseconds);
        return new BrowserPage(context, await context.NewPageAsync());
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "CComet.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException($"There is no CComet.sln above {AppContext.BaseDirectory}.");
    }
}

/// <summary>The tests that share one browser.</summary>
[CollectionDefinition(Chromium.Client)]
public sealed class ChromiumClientTests : ICollectionFixture<Chromium>;

/// <summary>The tests that share one browser.</summary>
[CollectionDefinition(Chromium.Wire)]
public sealed class ChromiumWireTests : ICollectionFixture<Chromium>;

/// <summary>The tests that share one browser.</summary>
[CollectionDefinition(Chromium.Pages)]
public sealed class ChromiumPagesTests : ICollectionFixture<Chromium>;
