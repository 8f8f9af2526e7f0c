using System.Net.Http.Json;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using static Microsoft.Playwright.Assertions;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>A page of 2014, with the jQuery of its time, works with this server: alone, with others, and beside today's chat.</summary>
[Collection(Chromium.Wire)]
public sealed class Page2014Tests(Chromium chromium)
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <summary>After which the page gives up a poll.</summary>
    private static readonly TimeSpan PageTimeout = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(50));
    private int _asked;

    [Fact]
    public async Task Page_alone_in_a_room_for_a_minute_asks_again_after_each_timeout_and_goes_on()
    {
        await using var server = await StartAsync();
        await using var alice = await OpenAsync(server, "alice", stopsClock: true);
        await alice.SignAsync();
        for (var second = 0; second < 60; second++)
        {
            await ParkedAsync(server, alice);
            _time.Advance(Second);
            await alice.TurnAsync(Second);
        }

        await ParkedAsync(server, alice);
        Assert.InRange(await alice.PollsAsync(), 6, 8);
        Assert.All(alice.Browser.Polls, poll => Assert.Contains("&seqid=0&", poll, StringComparison.Ordinal));
        Assert.Empty(await alice.RowsAsync());
        await server.PublishAsync(Page2014.Channel, "at last", "bob");
        await alice.ExpectRowsAsync(["bob: at last"]);
        Assert.Empty(alice.Browser.Complaints);
    }

    [Theory, InlineData("alice", "bob"), InlineData("alice", "bob", "carol")]
    public async Task Sign_in_is_one_row_for_those_who_wait_and_messages_are_seen_once_and_in_order_by_all(params string[] names)
    {
        const int Each = 4;
        await using var server = await StartAsync();
        var pages = new List<Page2014>();
        foreach (var name in names)
        {
            pages.Add(await OpenAsync(server, name));
            await pages[^1].SignAsync();
            for (var i = 0; i < pages.Count; i++) await pages[i].ExpectRowsAsync([.. names[(i + 1)..pages.Count].Select(other => $"{other}: SIGN")]);
            await ParkedAsync(server, pages);
        }

        foreach (var page in pages) await page.Browser.Page.EvaluateAsync("count => { for (var i = 0; i < count; i++) { $('#text').val('m' + i); page.say(); } }", Each);
        foreach (var page in pages) await page.Browser.UntilAsync("count => page.said === count", Each);

        var log = (await server.Http.PeekAsync(Page2014.Channel, ("seqid", "0"))).Elements.Where(e => e.GetProperty("type").GetString() == "MSG").Select(e => $"{e.GetProperty("sname").GetString()}: {e.GetProperty("msg").GetString()}").ToArray();
        Assert.Equal(names.SelectMany(name => Enumerable.Range(0, Each).Select(i => $"{name}: m{i}")).Order(), log.Order());
        for (var i = 0; i < pages.Count; i++) await pages[i].ExpectRowsAsync([.. names[(i + 1)..].Select(other => $"{other}: SIGN"), .. log]);
        foreach (var page in pages)
        {
            Assert.Empty(page.Browser.Complaints);
            await page.DisposeAsync();
        }
    }

    [Fact]
    public async Task Page_that_is_reloaded_shows_the_messages_of_the_history_once_and_no_old_sign_in()
    {
        await using var server = await StartAsync();
        await using var alice = await OpenAsync(server, "alice");
        await using var bob = await OpenAsync(server, "bob");
        await alice.SignAsync();
        await ParkedAsync(server, alice);
        await server.PublishAsync(Page2014.Channel, "one", "carol");
        await alice.ExpectRowsAsync(["carol: one"]);
        await ParkedAsync(server, alice);
        await bob.SignAsync();
        await bob.ExpectRowsAsync(["carol: one"]);
        await alice.SayAsync("two");
        await alice.ExpectRowsAsync(["carol: one", "bob: SIGN", "alice: two"]);

        await alice.ReloadAsync();
        await alice.ExpectRowsAsync(["carol: one", "alice: two"]);
        await server.PublishAsync(Page2014.Channel, "three", "carol");
        await alice.ExpectRowsAsync(["carol: one", "alice: two", "carol: three"]);
        Assert.Empty(alice.Browser.Complaints);
    }

    [Fact]
    public async Task Special_characters_arrive_as_typed_between_the_page_and_todays_chat()
    {
        string[] texts =
        [
            "a & <b> \"c\" 'd' \\ 100% 1+1 é ☄️", "c++", "+", "line\u2028and\u2029paragraph", "👩‍👩‍👧", "</script><!-- ]]>", "'; window.hurt = 1; //", "a=b&c=d&channel=other", "سلام",
        ];

        // Not the other way round: the page puts a message into HTML, where an entity is the character it stands for.
        string[] entities = ["&lt;", "&amp;lt; &quot; &nbsp;", "&lt;img src=x onerror=window.hurt=1&gt;"];
        await using var server = await LiveServer.StartAsync();
        await using var page = await OpenAsync(server, "old");
        await using var chat = await chromium.OpenPageAsync();
        await chat.JoinAsync(server, Page2014.Channel, "new");
        await page.SignAsync();

        foreach (var text in texts.Concat(entities))
        {
            var before = await chat.Page.Locator("#log .text").CountAsync();
            await page.SayAsync(text);
            await Expect(chat.Page.Locator("#log .text")).ToHaveCountAsync(before + 1);
            Assert.Equal(text, await chat.Page.Locator("#log .text").Last.TextContentAsync());
        }

        await page.ReloadAsync();
        var shown = texts.Length + entities.Length;
        await Eventually.TrueAsync(async () => (await page.RowsAsync()).Length == shown, "The history");
        Assert.Equal(texts.Select(text => $"old: {text}"), (await page.RowsAsync())[..texts.Length]);
        foreach (var text in (string[])[.. texts, "100%25"])
        {
            await chat.SayAsync(text);
            shown++;
            await Eventually.TrueAsync(async () => (await page.RowsAsync()).Length == shown, text);
            Assert.Equal($"new: {text}", (await page.RowsAsync())[^1]);
        }

        Assert.False(await page.Browser.Page.EvaluateAsync<bool>("'hurt' in window"));
        Assert.Empty(page.Browser.Complaints);
        Assert.Empty(chat.Complaints);
    }

    [Fact]
    public async Task Plus_sign_arrives_as_typed_without_the_headers_of_a_secure_address()
    {
        await using var server = await LiveServer.StartAsync();
        await using var page = await Page2014.OpenAsync(chromium, $"http://{Chromium.PlainHost}:{server.Port}", "alice");
        await page.SignAsync();
        await page.SayAsync("c++");
        await page.ExpectRowsAsync(["alice: c++"]);
    }

    [Fact]
    public async Task Messages_of_a_new_log_come_when_the_store_was_cleared_under_the_page()
    {
        await using var server = await LiveServer.StartAsync();
        await using var alice = await OpenAsync(server, "alice", stopsClock: true);
        await alice.SignAsync();
        string[] before = ["bob: m0", "bob: m1", "bob: m2"];
        for (var i = 0; i < before.Length; i++) await server.PublishAsync(Page2014.Channel, $"m{i}", "bob");
        await alice.ExpectRowsAsync(before);

        await server.StopAsync();
        await using var restarted = await LiveServer.StartAsync(server.Port);
        await Eventually.TrueAsync(
            async () =>
            {
                // jQuery hears nothing of a connection that is refused; it waits for its own timeout.
                if (restarted.Hub.Find(Page2014.Channel)?.Waiting == 1) return true;
                await alice.TurnAsync(Second);
                return false;
            },
            "A poll at the new server");

        string[] rows = before;
        foreach (var text in (string[])["n0", "n1", "n2", "n3", "n4"])
        {
            await restarted.PublishAsync(Page2014.Channel, text, "bob");
            await alice.ExpectRowsAsync(rows = [.. rows, $"bob: {text}"]);
        }

        Assert.Empty(alice.Browser.Complaints);
    }

    [Fact]
    public async Task Message_before_the_next_poll_has_arrived_is_neither_lost_nor_seen_twice()
    {
        await using var server = await StartAsync();
        await using var alice = await OpenAsync(server, "alice", stopsClock: true);
        var (polls, gate) = (0, new TaskCompletionSource());
        await alice.Browser.Page.RouteAsync("**/subscribe?*", async route =>
        {
            if (++polls == 2) await gate.Task;
            await route.ContinueAsync();
        });
        await alice.SignAsync();
        await ParkedAsync(server, alice);
        await alice.TurnAsync(PageTimeout);
        Assert.Equal(2, await alice.PollsAsync());
        await server.PublishAsync(Page2014.Channel, "between", "bob");
        await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 0, "The answer to the poll that was given up");
        Assert.Empty(await alice.RowsAsync());

        gate.SetResult();
        await SeenOnceAsync(server, alice);
    }

    [Fact]
    public async Task Message_behind_the_next_poll_is_neither_lost_nor_seen_twice()
    {
        await using var server = await StartAsync();
        await using var alice = await OpenAsync(server, "alice", stopsClock: true);
        await alice.SignAsync();
        await ParkedAsync(server, alice);
        await alice.TurnAsync(PageTimeout);

        // The older one is held back as long as the server's clock stands still.
        await Eventually.TrueAsync(() => server.Hub.Find(Page2014.Channel)!.Waiting == 2, "The second poll");
        await server.PublishAsync(Page2014.Channel, "between", "bob");
        await alice.ExpectRowsAsync(["bob: between"]);
        _time.Advance(Second * 2);
        await SeenOnceAsync(server, alice);
    }

    [Fact]
    public async Task Answer_that_comes_when_the_page_has_given_up_is_neither_lost_nor_seen_twice()
    {
        await using var server = await StartAsync();
        await using var alice = await OpenAsync(server, "alice", stopsClock: true);
        var (polls, gate, late) = (0, new TaskCompletionSource(), new TaskCompletionSource());
        await alice.Browser.Page.RouteAsync("**/subscribe?*", async route =>
        {
            if (++polls > 1)
            {
                await route.ContinueAsync();
                return;
            }

            var response = await route.FetchAsync();
            await gate.Task;
            await route.FulfillAsync(new() { Response = response });
            late.SetResult();
        });
        await alice.SignAsync();
        await ParkedAsync(server, alice);
        await server.PublishAsync(Page2014.Channel, "between", "bob");
        await alice.TurnAsync(PageTimeout);
        await alice.ExpectRowsAsync(["bob: between"]);
        await ParkedAsync(server, alice);

        gate.SetResult();
        await late.Task;
        await SeenOnceAsync(server, alice);
    }

    [Fact]
    public async Task Five_hundred_messages_of_history_are_shown_in_order_and_once()
    {
        await using var server = await StartAsync();
        for (var i = 0; i < 500; i += 100)
        {
            using var published = await server.Http.PostAsJsonAsync("/pub", Enumerable.Range(i, 100).Select(n => new { channel = Page2014.Channel, sname = "bob", msg = $"m{n} {new string('x', 300)}" }));
            published.EnsureSuccessStatusCode();
        }

        await using var alice = await OpenAsync(server, "alice");
        await alice.SignAsync();
        string[] history = [.. Enumerable.Range(0, 500).Select(n => $"bob: m{n} {new string('x', 300)}")];
        await alice.ExpectRowsAsync(history);
        await server.PublishAsync(Page2014.Channel, "live", "bob");
        await alice.ExpectRowsAsync([.. history, "bob: live"]);
        Assert.Empty(alice.Browser.Complaints);
    }

    [Fact]
    public async Task Markup_in_a_name_or_a_message_is_shown_as_text_and_runs_nothing()
    {
        const string Attack = "<img src=x onerror=\"window.hurt=1\"><script>window.hurt=1</script>";
        await using var server = await StartAsync();
        await using var alice = await OpenAsync(server, "alice");
        await alice.SignAsync();
        await ParkedAsync(server, alice);
        Assert.Equal(2, (await server.Http.AskAsync(Asking.Path("/sign", ("channel", Page2014.Channel), ("sname", Attack)))).Elements.Length);
        await alice.ExpectRowsAsync([$"{Attack}: SIGN"]);
        await server.PublishAsync(Page2014.Channel, Attack, Attack);
        foreach (var body in (string[])["""{"channel":"room","msg":{"a":"<img src=x onerror=window.hurt=1>"}}""", """{"channel":"room","msg":null}"""])
            Assert.Single((await server.Http.AskAsync("/pub", Asking.Body(body))).Elements);

        await alice.ExpectRowsAsync([$"{Attack}: SIGN", $"{Attack}: {Attack}", """: {"a":"<img src=x onerror=window.hurt=1>"}""", ": null"]);
        await Expect(alice.Browser.Page.Locator("#rows :is(img, script)")).ToHaveCountAsync(0);
        Assert.False(await alice.Browser.Page.EvaluateAsync<bool>("'hurt' in window"));
        Assert.Empty(alice.Browser.Complaints);
    }

    [Fact]
    public async Task Two_pages_of_one_nickname_both_get_every_message()
    {
        await using var server = await StartAsync();
        await using var one = await OpenAsync(server, "sam");
        await using var other = await OpenAsync(server, "sam");
        await one.SignAsync();
        await ParkedAsync(server, one);
        await other.SignAsync();
        await one.ExpectRowsAsync(["sam: SIGN"]);

        string[] rows = [];
        for (var i = 0; i < 4; i++)
        {
            await server.PublishAsync(Page2014.Channel, $"m{i}", "bob");
            rows = [.. rows, $"bob: m{i}"];
            await Eventually.TrueAsync(
                async () =>
                {
                    // One poll ends the other, which is held back: the server's clock has to go on.
                    _time.Advance(TimeSpan.FromMilliseconds(250));
                    return (await one.RowsAsync()).Length > rows.Length && (await other.RowsAsync()).Length >= rows.Length;
                },
                $"Message {i} in both pages");
            Assert.Equal((string[])["sam: SIGN", .. rows], await one.RowsAsync());
            Assert.Equal(rows, await other.RowsAsync());
        }

        Assert.Empty(one.Browser.Complaints);
        Assert.Empty(other.Browser.Complaints);
    }

    /// <summary>Publishes one more message, behind which a second copy of the first would have come.</summary>
    private async Task SeenOnceAsync(LiveServer server, Page2014 alice)
    {
        await alice.ExpectRowsAsync(["bob: between"]);
        await ParkedAsync(server, alice);
        await server.PublishAsync(Page2014.Channel, "next", "bob");
        await alice.ExpectRowsAsync(["bob: between", "bob: next"]);
        await ParkedAsync(server, alice);
        Assert.Equal(["bob: between", "bob: next"], await alice.RowsAsync());
        Assert.Empty(alice.Browser.Complaints);
    }

    /// <summary>Waits until every poll of the pages has arrived and is parked.</summary>
    /// <remarks>A poll that a newer one has replaced counts as parked as long as its answer is held back.</remarks>
    private Task ParkedAsync(LiveServer server, params List<Page2014> pages) => Eventually.TrueAsync(
        async () =>
        {
            var polls = 0;
            foreach (var page in pages) polls += await page.PollsAsync();
            var parked = server.Hub.Find(Page2014.Channel)?.Waiting;
            return polls == Volatile.Read(ref _asked) && parked >= pages.Count && parked == server.Hub.SubscriberCount;
        },
        "Parking");

    private Task<Page2014> OpenAsync(LiveServer server, string sname, bool stopsClock = false) => Page2014.OpenAsync(chromium, server.Url, sname, stopsClock);

    /// <summary>A server whose clock the test turns, and which counts the polls that arrive.</summary>
    private Task<LiveServer> StartAsync() => LiveServer.StartAsync(0, new CCometFactory(_time)
    {
        OnRequest = context =>
        {
            if (context.Request.Path == "/subscribe") Interlocked.Increment(ref _asked);
        },
    });
}
