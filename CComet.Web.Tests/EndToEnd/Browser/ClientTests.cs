using System.Text.Json;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>The JS client against the real server, from a page of another origin, the same on each transport.</summary>
[Collection(Chromium.Client)]
public sealed class ClientTests(Chromium chromium)
{
    private static readonly string[] All = ["sse", "fetch", "jsonp", "websocket"];

    public static TheoryData<string> Transports => [.. All];

    public static TheoryData<string> Polling => ["fetch", "jsonp"];

    /// <summary>The transports whose publishes are requests of their own.</summary>
    public static TheoryData<string> Requesting => ["sse", "fetch", "jsonp"];

    [Theory, MemberData(nameof(Transports))]
    public async Task Client_gets_every_message_once_in_order_with_one_poll_at_a_time(string transport)
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.FollowAsync(new { url = server.Url, channel = "a", sname = "alice", transport });
        await browser.UntilOpenAsync();

        var sent = Enumerable.Range(0, 60).Select(i => $"m{i}").ToArray();
        foreach (var text in sent) await server.PublishAsync("a", text);

        Assert.Equal(sent, await browser.TextsAsync(sent.Length));
        Assert.Equal(Enumerable.Range(0, 60), await browser.Page.EvaluateAsync<int[]>("log.messages.map(m => m.seqid)"));
        Assert.Equal(transport == "websocket" ? 0 : 1, browser.MostOpenPolls);
    }

    [Theory, MemberData(nameof(Polling))]
    public async Task Empty_poll_is_followed_by_a_new_one(string transport)
    {
        await using var server = await LiveServer.StartAsync("CComet:Poll:Timeout=00:00:00.6");
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.FollowAsync(new { url = server.Url, channel = "a", transport });
        await Eventually.TrueAsync(() => browser.Polls.Count >= 4, "A fourth poll");
        await server.PublishAsync("a", "still here");

        Assert.Equal(["still here"], await browser.TextsAsync(1));
        Assert.Equal(["connecting", "open"], await browser.Page.EvaluateAsync<string[]>("log.states"));
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Client_resumes_from_its_cursor_after_the_network_was_away(string transport)
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.FollowAsync(new { url = server.Url, channel = "a", transport });
        await browser.UntilOpenAsync();
        await server.PublishAsync("a", "before");
        await browser.TextsAsync(1);

        await browser.Context.SetOfflineAsync(true);
        for (var i = 0; i < 5; i++) await server.PublishAsync("a", $"missed {i}");
        await browser.Context.SetOfflineAsync(false);
        await server.PublishAsync("a", "after");

        Assert.Equal(["before", "missed 0", "missed 1", "missed 2", "missed 3", "missed 4", "after"], await browser.TextsAsync(7));
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Cursor_is_good_in_another_page_and_on_every_other_transport(string transport)
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.FollowAsync(new { url = server.Url, channel = "a", transport });
        await browser.UntilOpenAsync();
        await server.PublishAsync("a", "one");
        await browser.TextsAsync(1);
        var cursor = await browser.Page.EvaluateAsync<string>("room.cursor");
        await browser.Page.EvaluateAsync("room.close()");
        await server.PublishAsync("a", "two");

        foreach (var other in All.Where(name => name != transport))
        {
            await browser.FollowAsync(new { url = server.Url, channel = "a", cursor, transport = other });
            Assert.Equal(["two"], await browser.TextsAsync(1));
            await browser.Page.EvaluateAsync("room.close()");
        }
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Server_that_was_away_and_lost_its_log_is_told_as_reset_and_nothing_is_missed(string transport)
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.FollowAsync(new { url = server.Url, channel = "a", transport });
        await browser.UntilOpenAsync();
        await server.PublishAsync("a", "old 0");
        await server.PublishAsync("a", "old 1");
        await browser.TextsAsync(2);

        await server.StopAsync();
        await browser.UntilAsync("() => room.state === 'reconnecting'");
        await using var restarted = await LiveServer.StartAsync(server.Port);
        await restarted.PublishAsync("a", "new 0");

        Assert.Equal(["old 0", "old 1", "new 0"], await browser.TextsAsync(3));
        await restarted.PublishAsync("a", "new 1");
        Assert.Equal(["old 0", "old 1", "new 0", "new 1"], await browser.TextsAsync(4));
        Assert.Equal(1, await browser.Page.EvaluateAsync<int>("log.resets.length"));
        Assert.Equal("open", await browser.Page.EvaluateAsync<string>("room.state"));
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Messages_no_longer_kept_are_told_as_a_gap(string transport)
    {
        await using var server = await LiveServer.StartAsync("CComet:History:MaxMessages=3");
        for (var i = 0; i < 10; i++) await server.PublishAsync("a", $"m{i}");
        using var head = await server.Http.GetAsync(new Uri("/sub?channel=a&wait=0", UriKind.Relative));
        var epoch = head.Headers.GetValues("CComet-Cursor").Single().Split(':')[0];
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();

        await browser.FollowAsync(new { url = server.Url, channel = "a", cursor = $"{epoch}:2", transport });

        Assert.Equal(["m7", "m8", "m9"], await browser.TextsAsync(3));
        Assert.Equal("[2,6]", await browser.JsonAsync("log.gaps.flatMap(gap => [gap.from, gap.to])"));
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Signing_in_brings_the_history_before_open_and_signing_in_again_repeats_nothing(string transport)
    {
        await using var server = await LiveServer.StartAsync();
        await server.PublishAsync("a", "earlier");
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.EvaluateAsync(
            "options => { record(options); room.on('state', state => { if (state === 'open') log.atOpen ??= texts(); }); }",
            new { url = server.Url, channel = "a", sname = "alice", sign = true, transport });
        await browser.UntilOpenAsync();
        Assert.Equal(["earlier", "SIGN"], await browser.Page.EvaluateAsync<string[]>("log.atOpen"));
        Assert.Equal("[1,\"alice\"]", await browser.JsonAsync("log.signed.flatMap(m => [m.seqid, m.sname])"));

        await server.PublishAsync("a", "live");
        await browser.TextsAsync(3);
        await browser.Page.EvaluateAsync("room.sign()");
        await browser.TextsAsync(4);
        await server.PublishAsync("a", "last");

        Assert.Equal(["earlier", "SIGN", "live", "SIGN", "last"], await browser.TextsAsync(5));
        Assert.Equal("alice", await browser.Page.EvaluateAsync<string>("log.messages[1].sname"));
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Client_publishes_in_the_order_of_the_calls_and_gives_receipts(string transport)
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.FollowAsync(new { url = server.Url, channel = "a", sname = "alice", transport });

        var seqids = await browser.Page.EvaluateAsync<int[]>("Promise.all(['x', 'y', 'z'].map(text => room.publish(text))).then(all => all.map(receipt => receipt.seqid))");

        Assert.Equal([0, 1, 2], seqids);
        var log = await server.Http.GetStringAsync(new Uri("/sub?channel=a&seqid=0", UriKind.Relative));
        Assert.Equal(["x", "y", "z"], JsonDocument.Parse(log).RootElement.EnumerateArray().Select(m => m.GetProperty("msg").GetString()));
    }

    [Theory, MemberData(nameof(Requesting))]
    public async Task Publish_whose_receipt_was_lost_is_sent_again_and_stored_once(string transport)
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        var tries = 0;
        await browser.Page.RouteAsync(server.Url + "/pub**", async route =>
        {
            if (++tries > 1)
            {
                await route.ContinueAsync();
                return;
            }

            await route.FetchAsync();
            await route.AbortAsync();
        });
        await browser.FollowAsync(new { url = server.Url, channel = "a", sname = "alice", transport });
        await browser.UntilOpenAsync();

        Assert.True(await browser.Page.EvaluateAsync<bool>("room.publish('once').then(receipt => receipt.seqid === 0 && receipt.duplicate)"));
        await server.PublishAsync("a", "end");
        Assert.Equal(["once", "end"], await browser.TextsAsync(2));
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Publish_that_is_refused_rejects_with_status_and_detail(string transport)
    {
        await using var server = await LiveServer.StartAsync("CComet:Limits:MessageBytes=10");
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.FollowAsync(new { url = server.Url, channel = "a", transport });

        var told = await browser.Page.EvaluateAsync<string>("room.publish('far more than ten bytes').catch(error => `${error instanceof CComet.Error} ${error.status} ${error.detail}`)");

        Assert.StartsWith("true 413 msg: ", told, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Every_character_comes_back_as_it_was_sent(string transport)
    {
        string[] tricky =
        [
            "'", "\"", "\\", "\\\\'", "\\u0027", "</script><script>alert(1)</script>", "<!--", "\u2028\u2029", "a\nb\r\nc\td",
            "☄️ 👩‍👩‍👧‍👦 🏳️‍🌈", "+ %2B %20 %", "&amp=1&msg=2#x?y", "סלאם سلام", "e\u0301 \uFEFF\u00A0", "\u0001\u007F", "null", "[1]", "{\"a\":1}",
        ];
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.FollowAsync(new { url = server.Url, channel = "a&b=c+d 'é☄️</x>#?%", sname = "\\'\"<i>&+%☄️", transport });
        await browser.UntilOpenAsync();

        await browser.Page.EvaluateAsync("texts => Promise.all(texts.map(text => room.publish(text)))", tricky);

        Assert.Equal(tricky, await browser.TextsAsync(tricky.Length));
        Assert.True(await browser.Page.EvaluateAsync<bool>("log.messages.every(m => m.sname === '\\\\\\'\"<i>&+%☄️' && m.channel === 'a&b=c+d \\'é☄️</x>#?%')"));
    }

    [Fact]
    public async Task Fetch_publishes_any_value_of_json_and_jsonp_a_text_alone()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.FollowAsync(new { url = server.Url, channel = "a" });
        await browser.UntilOpenAsync();
        await browser.Page.EvaluateAsync("Promise.all([{ a: [1, null] }, 7, false, null].map(value => room.publish(value)))");
        await browser.UntilAsync("() => log.messages.length === 4");

        Assert.Equal("[{\"a\":[1,null]},7,false,null]", await browser.Page.EvaluateAsync<string>("JSON.stringify(texts())"));
        Assert.Equal("TypeError", await browser.Page.EvaluateAsync<string>("url => new CComet({ url, channel: 'b', transport: 'jsonp' }).publish({}).catch(error => error.name)", server.Url));
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Two_pages_of_one_nickname_both_follow_and_publish_by_it(string transport)
    {
        await using var server = await LiveServer.StartAsync();
        await using var one = await chromium.OpenPageAsync();
        await using var other = await chromium.OpenPageAsync();
        foreach (var browser in new[] { one, other })
        {
            await browser.HostClientAsync();
            await browser.FollowAsync(new { url = server.Url, channel = "a", sname = "alice", transport });
            await browser.UntilOpenAsync();
        }

        await one.Page.EvaluateAsync("room.publish('from one')");
        await other.Page.EvaluateAsync("room.publish('from the other')");

        foreach (var browser in new[] { one, other })
        {
            Assert.Equal(["from one", "from the other"], await browser.TextsAsync(2));
            Assert.Equal("[[\"alice\",\"alice\"],[\"connecting\",\"open\"]]", await browser.JsonAsync("[log.messages.map(m => m.sname), log.states]"));
        }
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Exclusive_page_of_a_name_takes_over_and_the_older_does_not_take_it_back_by_itself(string transport)
    {
        await using var server = await LiveServer.StartAsync();
        await using var older = await chromium.OpenPageAsync();
        await using var newer = await chromium.OpenPageAsync();
        var polls = transport is "fetch" or "jsonp";
        var options = new { url = server.Url, channel = "a", sname = "alice", exclusive = true, transport };
        foreach (var browser in new[] { older, newer }) await browser.HostClientAsync();
        await older.FollowAsync(options);
        await older.UntilOpenAsync();
        await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 1 && (!polls || older.Polls.Count == 2), "The older page's request");
        var asked = older.Polls.Count;
        await newer.FollowAsync(options);
        await newer.UntilOpenAsync();
        await older.UntilAsync("() => room.state === 'replaced'");

        await server.PublishAsync("a", "for the newer");
        await newer.TextsAsync(1);
        Assert.Equal(asked, older.Polls.Count);
        Assert.Equal("open", await newer.Page.EvaluateAsync<string>("room.state"));

        if (polls) await Eventually.TrueAsync(() => newer.Polls.Count == 3, "The newer page's third poll");
        await older.Page.EvaluateAsync("room.resume()");
        Assert.Equal(["for the newer"], await older.TextsAsync(1));
        await newer.UntilAsync("() => room.state === 'replaced'");

        await newer.Page.EvaluateAsync("document.dispatchEvent(new Event('visibilitychange'))");
        await newer.UntilOpenAsync();
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Refusal_that_asking_again_cannot_change_is_told_and_ends_the_asking(string transport)
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.FollowAsync(new { url = server.Url, channel = new string('x', 201), transport });
        await browser.UntilAsync("() => room.state === 'refused'");

        Assert.Equal(1, await browser.Page.EvaluateAsync<int>("log.errors.length"));
        Assert.Equal(400, await browser.Page.EvaluateAsync<int>("log.errors[0].status"));
        Assert.StartsWith("channel: ", await browser.Page.EvaluateAsync<string>("log.errors[0].detail"), StringComparison.Ordinal);
        Assert.Single(browser.Polls);
    }

    [Theory, InlineData("sse"), InlineData("fetch"), InlineData("websocket")]
    public async Task Closing_frees_the_servers_subscriber_at_once(string transport)
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.FollowAsync(new { url = server.Url, channel = "a", transport });
        await browser.UntilOpenAsync();
        await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 1, "The subscriber");

        await browser.Page.EvaluateAsync("room.close()");

        await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 0, "The subscriber's end");
        Assert.Equal("closed", await browser.Page.EvaluateAsync<string>("room.state"));
    }

    [Fact]
    public async Task Jsonp_leaves_nothing_behind_in_the_page()
    {
        await using var server = await LiveServer.StartAsync();
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.FollowAsync(new { url = server.Url, channel = "a", transport = "jsonp" });
        await browser.UntilOpenAsync();
        for (var i = 0; i < 5; i++) await browser.Page.EvaluateAsync("room.publish('x')");
        await browser.TextsAsync(5);

        await browser.UntilAsync("() => Object.keys(window).filter(name => name.startsWith('ccomet_')).length === 1 && document.querySelectorAll('head script[src*=callback]').length === 1");
    }

    [Fact]
    public async Task Script_tag_import_and_named_import_give_one_class()
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();

        Assert.True(await browser.Page.EvaluateAsync<bool>(
            "Promise.all([import('/js/ccomet.mjs'), import('/js/ccomet.js')]).then(([module]) => module.default === CComet && module.CComet === CComet)"));
    }

    [Fact]
    public async Task Import_alone_is_enough()
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostAsync("", ("/js/ccomet.js", "CComet.Web/wwwroot/js/ccomet.js"), ("/js/ccomet.mjs", "CComet.Web/wwwroot/js/ccomet.mjs"));

        Assert.Equal("function", await browser.Page.EvaluateAsync<string>("import('/js/ccomet.js').then(() => typeof window.CComet)"));
        Assert.Equal("function", await browser.Page.EvaluateAsync<string>("import('/js/ccomet.mjs').then(module => typeof module.default)"));
    }

    [Fact]
    public async Task Constructor_of_2014_signs_in_by_jsonp_and_calls_back_for_every_message()
    {
        await using var server = await LiveServer.StartAsync();
        await server.PublishAsync("a", "earlier");
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.EvaluateAsync(
            """
            url => {
              globalThis.got = [];
              globalThis.room = new CComet({
                sign_url: `${url}/sign?channel=a&sname=alice&time=1`,
                pub_url: `${url}/pub?channel=a&sname=alice&time=1&msg=`,
                sub_url: `${url}/sub?channel=a&sname=alice&time=1&seqid=`,
                callback: message => got.push(message.msg),
              });
            }
            """,
            server.Url);
        await browser.UntilOpenAsync();
        await browser.Page.EvaluateAsync("room.pub('live & \\'encoded\\' + ☄️')");
        await browser.UntilAsync("() => got.length === 3");

        Assert.Equal(["earlier", "SIGN", "live & 'encoded' + ☄️"], await browser.Page.EvaluateAsync<string[]>("got"));
        Assert.Equal(3, await browser.Page.EvaluateAsync<int>("room.seqid"));

        await server.StopAsync();
        await using var restarted = await LiveServer.StartAsync(server.Port);
        for (var i = 0; i < 9; i++) await restarted.PublishAsync("a", $"restarted {i}");
        await browser.UntilAsync("() => got.length === 12");
        Assert.Equal("restarted 0", await browser.Page.EvaluateAsync<string>("got[3]"));
    }
}
