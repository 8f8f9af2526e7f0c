using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>The JS client in a real page against a real server that lets in only callers with a token.</summary>
[Collection(Chromium.Wire)]
public sealed class TokenTransportTests(Chromium chromium)
{
    private const int Renewals = 20;

    /// <summary>How many messages are published while one token is renewed.</summary>
    private const int PerRenewal = 25;

    /// <summary>
    /// Follows by tokens that the test signs. Time is skipped by hand: what the client waits for longer than a minute is the end of a
    /// token's life, and <c>renew</c> brings it.
    /// </summary>
    private const string Begin =
        """
        ({ url, transport, exclusive }) => {
          let skipped = 0;
          const late = new Set();
          const env = {
            now: () => performance.now() + skipped,
            setTimeout: (fn, ms) => {
              if (ms <= 60_000) return setTimeout(fn, ms);
              late.add(fn);
              return fn;
            },
            clearTimeout: timer => (late.delete(timer) ? undefined : clearTimeout(timer)),
          };
          globalThis.asked = 0;
          globalThis.renew = () => {
            skipped += 450_000;
            for (const fn of [...late]) { late.delete(fn); fn(); }
          };
          const token = async () => { asked++; return await signToken(); };
          record({ url, channel: 'room.1', transport, exclusive, sname: exclusive ? 'ann' : undefined, token, env });
        }
        """;

    [Theory]
    [InlineData("sse", false)]
    [InlineData("sse", true)]
    [InlineData("websocket", false)]
    [InlineData("fetch", false)]
    [InlineData("jsonp", false)]
    public async Task Nothing_is_lost_or_repeated_while_tokens_are_renewed(string transport, bool exclusive)
    {
        await using var server = await LiveServer.StartAsync(TokenServer.Settings);
        await using var browser = await chromium.OpenPageAsync();
        await BeginAsync(browser, server, transport, exclusive);
        await browser.UntilOpenAsync();
        await browser.Page.EvaluateAsync("() => { globalThis.receipts = []; }");
        var publisher = Sign(null, "publish");
        for (var i = 1; i <= Renewals; i++)
        {
            // Bounded, so that a page that is slow keeps within the history.
            var publishing = PublishAsync((i - 1) * PerRenewal);
            await browser.Page.EvaluateAsync("i => { renew(); room.publish(`own${i}`).then(receipt => receipts.push(receipt.seqid)); }", i);
            await browser.UntilAsync("i => asked > i && receipts.length === i", i);
            await publishing;
        }

        const int Published = Renewals * PerRenewal;
        await browser.UntilAsync("count => log.messages.length >= count", Published + Renewals);

        var seen = await browser.Page.EvaluateAsync<string[]>("texts()");
        Assert.Equal(Enumerable.Range(0, Published).Select(n => $"m{n}"), seen.Where(text => text[0] == 'm'));
        Assert.Equal(Enumerable.Range(1, Renewals).Select(n => $"own{n}"), seen.Where(text => text[0] == 'o'));
        Assert.Equal("[true,[\"connecting\",\"open\"],[],[],[]]", await browser.JsonAsync("[log.messages.every(({ seqid }, i) => seqid === i), log.states, log.gaps, log.resets, log.errors]"));
        Assert.DoesNotContain(browser.Requested, address => address.Contains("=eyJ", StringComparison.Ordinal));

        async Task PublishAsync(int first)
        {
            for (var n = first; n < first + PerRenewal; n++)
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, $"/pub?channel=room.1&msg=m{n}");
                request.Headers.Authorization = new("Bearer", publisher);
                using var answer = await server.Http.SendAsync(request);
                answer.EnsureSuccessStatusCode();
            }
        }
    }

    [Theory]
    [InlineData("sse")]
    [InlineData("websocket")]
    [InlineData("fetch")]
    [InlineData("jsonp")]
    public async Task Token_that_does_not_hold_is_asked_for_once_more_and_then_refused(string transport)
    {
        await using var server = await LiveServer.StartAsync(TokenServer.Settings);
        await using var browser = await chromium.OpenPageAsync();
        await BeginAsync(browser, server, transport, sign: () => new TestToken(DateTimeOffset.UtcNow.AddHours(-2)).Sign(TokenServer.Key));
        await browser.UntilAsync("() => room.state === 'refused'");

        // The same token comes again within one second, or another one that has expired too.
        Assert.Equal("[2,\"401\"]", await browser.JsonAsync("[asked, log.errors.at(-1).code]"));
        Assert.Contains("expired", await browser.Page.EvaluateAsync<string>("log.errors.at(-1).detail"), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("sse")]
    [InlineData("websocket")]
    [InlineData("fetch")]
    [InlineData("jsonp")]
    public async Task User_whose_right_is_missing_is_refused_with_its_name(string transport)
    {
        await using var server = await LiveServer.StartAsync(TokenServer.Settings);
        await using var browser = await chromium.OpenPageAsync();
        await BeginAsync(browser, server, transport, sign: () => Sign("ann", "publish"));
        await browser.UntilAsync("() => room.state === 'refused'");

        Assert.Equal("[1,1,\"403\"]", await browser.JsonAsync("[asked, log.errors.length, log.errors[0].code]"));
        Assert.Contains("subscribe", await browser.Page.EvaluateAsync<string>("log.errors[0].detail"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sse")]
    [InlineData("websocket")]
    [InlineData("fetch")]
    [InlineData("jsonp")]
    public async Task User_who_is_revoked_is_refused_at_once(string transport)
    {
        await using var server = await LiveServer.StartAsync(TokenServer.Settings);
        await using var browser = await chromium.OpenPageAsync();
        // One token for ever: one issued after the revocation would rightly be let in, should the revocation come between two polls.
        var only = Sign("ann", "subscribe", "publish");
        await BeginAsync(browser, server, transport, sign: () => only);
        await browser.UntilOpenAsync();

        using var request = new HttpRequestMessage(HttpMethod.Post, "/admin/revoke") { Content = Asking.Body("""{"sub":"ann"}""") };
        request.Headers.Authorization = new("Bearer", new TestToken(DateTimeOffset.UtcNow).With("sub", "boss").With("jti", "t-2").With("ccomet:admin", "*").Sign(TokenServer.Key));
        using var answer = await server.Http.SendAsync(request);
        answer.EnsureSuccessStatusCode();

        await browser.UntilAsync("() => room.state === 'refused'");
        Assert.Contains("revoked", await browser.Page.EvaluateAsync<string>("log.errors.at(-1).detail"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sse")]
    [InlineData("websocket")]
    [InlineData("fetch")]
    [InlineData("jsonp")]
    public async Task Client_with_a_token_works_with_a_server_that_is_open(string transport)
    {
        await using var server = await LiveServer.StartAsync("CComet:Auth:Mode=Open");
        await using var browser = await chromium.OpenPageAsync();
        await BeginAsync(browser, server, transport);
        await browser.UntilOpenAsync();
        await browser.Page.EvaluateAsync("() => room.publish('one')");
        Assert.Equal(["one"], await browser.TextsAsync(1));
        await browser.Page.EvaluateAsync("renew()");
        await browser.Page.EvaluateAsync("() => room.publish('two')");

        Assert.Equal(["one", "two"], await browser.TextsAsync(2));
        Assert.Equal("[[\"connecting\",\"open\"],[]]", await browser.JsonAsync("[log.states, log.errors]"));
    }

    private static async Task BeginAsync(BrowserPage browser, LiveServer server, string transport, bool exclusive = false, Func<string>? sign = null)
    {
        await browser.Page.ExposeFunctionAsync("signToken", sign ?? (() => Sign("ann", "subscribe", "publish")));
        await browser.HostClientAsync();
        await browser.Page.EvaluateAsync(Begin, new { url = server.Url, transport, exclusive });
    }

    /// <summary>A token of 10 minutes that differs from the last one.</summary>
    private static string Sign(string? user, params string[] verbs)
    {
        var now = DateTimeOffset.UtcNow;
        var token = new TestToken(now).With("sub", user).With("jti", Guid.NewGuid().ToString()).With("exp", now.AddMinutes(10).ToUnixTimeSeconds()).With("ccomet:subscribe", null);
        foreach (var verb in verbs) token.With($"ccomet:{verb}", "room.*");
        return token.Sign(TokenServer.Key);
    }
}
