namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>How the JS client reads the cursor of several channels.</summary>
[Collection(Chromium.Client)]
public sealed class CursorTests(Chromium chromium)
{
    public static TheoryData<string, string> Forms => new()
    {
        { "e:3,f:7", "[\"e:3\",\"f:7\"]" },
        { "b%2C%3D%26=f:7,a=e:3", "[\"e:3\",\"f:7\"]" },
        { "a=e:3,b%2C%3D%26=f:7", "[\"e:3\",\"f:7\"]" },
        { "e:,f:7", "[null,\"f:7\"]" },

        // What cannot belong to the two is not guessed at.
        { "e:3", "[null,null]" },
        { "e:3,f:7,g:9", "[null,null]" },
    };

    [Theory, MemberData(nameof(Forms))]
    public async Task Cursor_of_several_channels_in_a_header_is_read_in_their_order_or_by_their_names(string told, string cursors)
    {
        await using var browser = await BeginAsync("fetch", told);
        await browser.UntilAsync("() => rooms.every(room => room.state === 'open')");

        Assert.Equal(cursors, await browser.JsonAsync("rooms.map(room => room.cursor)"));
        Assert.Equal("[\"a\",\"b,=&\"]", await browser.JsonAsync("asked[0].searchParams.getAll('channel')"));
    }

    [Theory, MemberData(nameof(Forms))]
    public async Task Cursor_of_several_channels_as_an_id_is_read_in_their_order_or_by_their_names(string told, string cursors)
    {
        await using var browser = await BeginAsync("sse", told);
        await browser.UntilAsync("() => rooms.every(room => room.state === 'open')");

        Assert.Equal(cursors, await browser.JsonAsync("rooms.map(room => room.cursor)"));
    }

    [Fact]
    public async Task Order_is_that_of_the_request_after_channels_have_come_and_gone()
    {
        await using var browser = await BeginAsync("fetch", "e:3,f:7");
        await browser.UntilAsync("() => rooms.every(room => room.state === 'open')");
        await browser.Page.EvaluateAsync("() => { told = 'f:8,g:1'; rooms[0].close(); rooms.push(new CComet({ ...options, channel: 'c' })); }");
        await browser.UntilAsync("() => rooms[2].state === 'open'");

        Assert.Equal("[\"e:3\",\"f:8\",\"g:1\"]", await browser.JsonAsync("rooms.map(room => room.cursor)"));
        Assert.Equal("[\"b,=&\",\"c\"]", await browser.JsonAsync("asked.at(-1).searchParams.getAll('channel')"));
    }

    private async Task<BrowserPage> BeginAsync(string transport, string told)
    {
        var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.EvaluateAsync(
            """
            ([transport, told]) => {
              globalThis.told = told;
              globalThis.asked = [];
              const fetch = (url, how) => {
                asked.push(new URL(url));
                if (transport === 'fetch') return asked.at(-1).searchParams.get('wait') === '0' ? Promise.resolve(answer([], { 'CComet-Cursor': globalThis.told })) : new Promise((_, reject) => how.signal.addEventListener('abort', reject));
                const stream = eventStream(how);
                stream.say(`id: ${globalThis.told}\n\n`);
                return Promise.resolve(stream.answer);
              };
              globalThis.options = { url: 'http://x', transport, env: { fetch, random: () => 0 } };
              globalThis.rooms = ['a', 'b,=&'].map(channel => new CComet({ ...options, channel }));
            }
            """,
            new[] { transport, told });
        return browser;
    }
}
