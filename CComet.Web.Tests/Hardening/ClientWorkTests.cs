using CComet.Web.Tests.EndToEnd.Browser;

namespace CComet.Web.Tests.Hardening;

/// <summary>
/// What one message or one server can make a page do: work in proportion to what came, and memory within a bound. Each test names
/// the attack. Work is counted (blocks run, characters gone over), and four times as much input may cost five times as much work.
/// </summary>
[Collection(Chromium.Wire)]
public sealed class ClientWorkTests(Chromium chromium)
{
    private const double Linear = 5;

    [Fact]
    public async Task Event_that_comes_in_many_pieces_costs_work_in_proportion_to_its_length()
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        const string Follow =
            """
            async pieces => {
              let stream;
              const { fetch } = scripted(request => {
                stream = eventStream(request);
                setTimeout(() => stream.say('id: e:0\n\n'));
                return stream.answer;
              });
              const room = new CComet({ url: `http://x${pieces}`, transport: 'sse', channel: 'a', env: { fetch } });
              await new Promise(done => {
                room.on('message', done);
                room.on('state', () => {
                  stream.say('data: {"type":"MSG","channel":"a","seqid":0,"msg":"');
                  for (let i = 0; i < pieces; i++) stream.say('x'.repeat(4096));
                  stream.say('"}\n\n');
                });
              });
              room.close();
            }
            """;

        var few = await browser.WorkAsync(Follow, 50);
        var many = await browser.WorkAsync(Follow, 200);
        Assert.InRange(many, 200 * 4096, few * Linear);
    }

    [Fact]
    public async Task Event_of_many_short_lines_costs_work_in_proportion_to_its_length()
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        const string Follow =
            """
            async lines => {
              const { fetch } = scripted(request => {
                const stream = eventStream(request);
                setTimeout(() => stream.say(`data: {"type":"MSG","channel":"a","seqid":0,"msg":""\n${'data:\n'.repeat(lines)}data: }\n\n`));
                return stream.answer;
              });
              const room = new CComet({ url: `http://x${lines}`, transport: 'sse', channel: 'a', env: { fetch } });
              await new Promise(done => { room.on('message', done); });
              room.close();
            }
            """;

        var few = await browser.WorkAsync(Follow, 5_000);
        var many = await browser.WorkAsync(Follow, 20_000);
        Assert.InRange(many, 20_000, few * Linear);
    }

    [Theory]
    [InlineData("'http://a' + ')'.repeat(n)")]
    [InlineData("'http://a' + '.'.repeat(n)")]
    [InlineData("'http://a' + '(.)]}'.repeat(n / 5)")]
    [InlineData("'http://a '.repeat(n / 9)")]
    [InlineData("'http://'.repeat(n / 7)")]
    [InlineData("'☄'.repeat(n)")]
    [InlineData("'☄' + ' '.repeat(n) + 'x'")]
    [InlineData("'☄' + '\\uFE0F'.repeat(n) + 'x'")]
    [InlineData("'\\n'.repeat(n)")]
    [InlineData("'[1,'.repeat(60) + '1,'.repeat(n) + '1' + ']'.repeat(60)")]
    [InlineData("JSON.parse('['.repeat(n / 20) + ']'.repeat(n / 20))")]
    [InlineData("JSON.parse('['.repeat(n) + ']'.repeat(n))")]
    [InlineData("JSON.parse('['.repeat(60) + '1,'.repeat(n) + '1' + ']'.repeat(60))")]
    public async Task Message_made_to_be_slow_to_show_costs_work_in_proportion_to_its_length(string message)
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.EvaluateAsync("import('/js/text.js').then(text => { globalThis.spoken = text.spoken; })");
        await browser.Page.EvaluateAsync($"() => {{ globalThis.message = n => {message}; }}");

        var small = await browser.WorkAsync("n => { spoken(message(n)); }", 4_000);
        var large = await browser.WorkAsync("n => { spoken(message(n)); }", 16_000);
        Assert.InRange(large, 1, small * Linear);
    }

    [Fact]
    public async Task Message_of_nothing_but_addresses_makes_a_bounded_number_of_links()
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        var shown = await browser.Page.EvaluateAsync<int[]>(
            """
            async () => {
              const { spoken } = await import('/js/text.js');
              const said = spoken('http://a '.repeat(7000));
              return [said.querySelectorAll('a').length, said.querySelector('.text').textContent.length];
            }
            """);

        Assert.Equal([200, 63_000], shown);
    }

    [Fact]
    public async Task Crowd_that_joins_costs_work_in_proportion_to_its_size()
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.EvaluateAsync(MakeTimeline);
        const string Join = "n => { shown.clear(); for (let i = 0; i < n; i++) shown.joined({ name: `somebody ${i}`, own: false, other: false }, 1, `e:${i}`); }";

        var few = await browser.WorkAsync(Join, 100);
        var many = await browser.WorkAsync(Join, 400);
        Assert.InRange(many, 400, few * Linear);
        Assert.Equal("somebody 0, somebody 1, somebody 2, somebody 3, somebody 4, somebody 5, and 394 others joined", await browser.Page.EvaluateAsync<string>("document.querySelector('.joined').textContent.replace(/ \\d\\d:.*/, '')"));
    }

    [Theory]
    [InlineData(5_000, 10, 2_000)]
    [InlineData(100, 65_536, 32)]
    public async Task Long_chat_keeps_a_bounded_number_of_rows_and_characters(int messages, int length, int kept)
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        await browser.Page.EvaluateAsync(MakeTimeline);
        const string Show = "([n, length]) => { for (let i = 0; i < n; i++) shown.message({ msg: String.fromCharCode(97 + i % 26).repeat(length), time: 1 }, { key: `e:${i}`, who: { name: 'x', own: false, other: false } }); }";
        await browser.Page.EvaluateAsync(Show, new[] { messages, length });
        Assert.InRange(await browser.Page.EvaluateAsync<int>("document.querySelectorAll('#log > *').length"), kept - 2, kept);

        // What is kept costs each further message nothing: no row is gone over again.
        var full = await browser.WorkAsync(Show, new[] { messages / 4, length });
        await browser.Page.EvaluateAsync("shown.clear()");
        var empty = await browser.WorkAsync(Show, new[] { messages / 4, length });
        Assert.InRange(full, 1, empty * 1.5);
    }

    [Fact]
    public async Task Event_without_an_end_is_given_up_at_a_bound()
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        var given = await browser.Page.EvaluateAsync<string>(
            """
            () => new Promise(done => {
              const piece = new TextEncoder().encode('x'.repeat(2 ** 20));
              let pieces = 0, isAborted = false;
              const body = signal => new ReadableStream({ pull: wire => { wire.enqueue(++pieces === 1 ? new TextEncoder().encode('id: e:0\n\ndata: ') : piece.slice()); }, cancel: () => { isAborted = true; } }, { highWaterMark: 0 });
              const { fetch } = scripted(({ signal }) => new Response(body(signal), { headers: { 'Content-Type': 'text/event-stream' } }));
              const room = new CComet({ url: 'http://x', transport: 'sse', channel: 'a', env: { fetch } });
              room.on('error', error => { room.close(); done(`${error.detail} ${pieces} ${room.seqid}`); });
            })
            """);

        Assert.Equal("An event of the stream is too long. 129 0", given);
    }

    [Fact]
    public async Task Answer_without_an_end_is_given_up_at_a_bound()
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        var given = await browser.Page.EvaluateAsync<string>(
            """
            () => new Promise(done => {
              const piece = new TextEncoder().encode('x'.repeat(2 ** 20));
              let pieces = 0;
              const body = () => new ReadableStream({ pull: wire => { pieces++; wire.enqueue(piece.slice()); } }, { highWaterMark: 0 });
              const { fetch } = scripted(() => new Response(body()));
              const room = new CComet({ url: 'http://x', transport: 'fetch', channel: 'a', env: { fetch } });
              room.on('error', error => { room.close(); done(`${error.detail} ${pieces}`); });
            })
            """);

        Assert.Equal("The answer is too long. 129", given);
    }

    [Fact]
    public async Task Many_channels_of_a_page_cost_work_in_proportion_to_their_number()
    {
        await using var browser = await chromium.OpenPageAsync();
        await browser.HostClientAsync();
        const string Open =
            """
            async n => {
              let asked;
              const isAsked = new Promise(resolve => { asked = resolve; });
              const { fetch } = scripted(() => asked());
              const rooms = Array.from({ length: n }, (_, i) => new CComet({ url: `http://x${n}`, transport: 'fetch', channel: `channel ${i}`, env: { fetch } }));
              await isAsked;
              rooms.forEach(room => room.close());
            }
            """;

        var few = await browser.WorkAsync(Open, 60);
        var many = await browser.WorkAsync(Open, 240);
        Assert.InRange(many, 240, few * Linear);
    }

    private const string MakeTimeline =
        """
        async () => {
          document.body.innerHTML = '<div id=scroll><div id=log></div><div id=outbox></div></div><button id=newest><span></span></button>';
          const { timeline } = await import('/js/timeline.js');
          const $ = id => document.getElementById(id);
          globalThis.shown = timeline({ log: $('log'), outbox: $('outbox'), scroll: $('scroll'), newest: $('newest'), newestText: $('newest').firstChild });
        }
        """;
}
