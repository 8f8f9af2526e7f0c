namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>Runs a script in a page that has the client and the stand-in of a server that lets in only callers with a token (<c>pages/access.js</c>).</summary>
internal static class ScriptedAccess
{
    /// <summary>Returns as JSON what the script returns. Nothing of it may be an uncaught error.</summary>
    public static async Task<string> RunAsync(Chromium chromium, string script)
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        var seen = await browser.Page.EvaluateAsync<string>($"async () => JSON.stringify(await ({script})())");
        Assert.Empty(browser.Complaints);
        return seen;
    }
}
