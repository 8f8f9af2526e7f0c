using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using CComet.Access;
using CComet.Dialects.Native;
using CComet.Limits;
using CComet.Messages;
using CComet.Transports;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hardening;

/// <summary>Attacks by many channels of long names on one connection: what is written must be in proportion to the messages.</summary>
public sealed class ManyChannelsTests
{
    private const int Most = 64;

    [Theory]
    [InlineData("/sub")]
    [InlineData("/sse")]
    [InlineData("/stream")]
    [InlineData("/ws")]
    public async Task Names_that_are_too_long_together_are_refused(string path)
    {
        await using var server = await LiveServer.StartAsync();

        // Within the bound for one name, and within that for their number.
        using var answer = await OpenAnswer.GetAsync($"{server.Url}{path}?wait=0&{QueryOf(Enumerable.Range(0, 21).Select(i => $"{i:D2}{string.Concat(Enumerable.Repeat("💥", 198))}"))}");
        Assert.Equal(HttpStatusCode.BadRequest, answer.Head.StatusCode);
        var problem = await answer.JsonAsync();
        Assert.Equal("channel", problem.GetProperty("parameter").GetString());
        Assert.Contains("16384", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ids_of_sixty_four_channels_of_long_names_are_at_most_as_long_as_the_messages()
    {
        await using var wire = await EventWire.OpenAsync(messages: 200, text: "x");
        var text = await wire.ReadAllAsync(Most * 200);
        var lines = text.Split('\n');
        var ids = lines.Where(line => line.StartsWith("id: ", StringComparison.Ordinal)).ToArray();
        Assert.All(ids, id => Assert.InRange(id.Length, 1, Most * 20));

        // One more than by length for each step, the last event of which always has one.
        Assert.InRange(ids.Sum(id => id.Length), 1, lines.Where(line => line.StartsWith("data: ", StringComparison.Ordinal)).Sum(Encoding.UTF8.GetByteCount) + (wire.Steps.Count * Most * 20));
    }

    [Fact]
    public async Task Stalled_stream_of_sixty_four_channels_holds_one_step()
    {
        await using var wire = await EventWire.OpenAsync(messages: 20, text: new string('x', 1_000));
        await wire.ReadAllAsync(Most * 20);
        Assert.All(wire.Steps, step => Assert.InRange(step, 1, (2 * ReadSizes.MaxStepBytes) + 4096));
    }

    [Fact]
    public async Task Stream_cut_anywhere_resumes_from_its_last_id_without_a_hole()
    {
        await using var wire = await EventWire.OpenAsync(messages: 50, text: "x");
        var text = await wire.ReadAllAsync(Most * 50);
        var blocks = text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        var (next, ids) = (new long[Most], 0);
        foreach (var block in blocks)
        {
            var data = block.Split('\n').FirstOrDefault(line => line.StartsWith("data: ", StringComparison.Ordinal));
            if (data is not null)
            {
                var message = System.Text.Json.JsonDocument.Parse(data[6..]).RootElement;
                var channel = Array.IndexOf(EventWire.Names, message.GetProperty("channel").GetString());
                Assert.Equal(next[channel]++, message.GetProperty("seqid").GetInt64());
            }

            // An id is exactly what was told up to its event: before it nothing is skipped, behind it nothing is repeated.
            if (block.Split('\n').FirstOrDefault(line => line.StartsWith("id: ", StringComparison.Ordinal)) is not { } id) continue;
            Assert.Equal(next, Cursor.TryParseCombined(id[4..], EventWire.Names)!.Select(cursor => cursor.Seqid!.Value));
            ids++;
        }

        Assert.InRange(ids, wire.Steps.Count, blocks.Length);
    }

    [Fact]
    public async Task Cursor_header_of_sixty_four_channels_of_the_longest_names_is_short()
    {
        await using var server = await LiveServer.StartAsync();
        var names = Enumerable.Range(0, Most).Select(i => $"{i:D4}{string.Concat(Enumerable.Repeat("💥", 63))}").ToArray();
        using var answer = await OpenAnswer.GetAsync($"{server.Url}/sub?wait=0&{QueryOf(names)}");
        Assert.InRange(answer.Head.Headers.GetValues("CComet-Cursor").Single().Length, 1, Most * 20);
    }

    [Theory]
    [InlineData("/sse", "Last-Event-ID")]
    [InlineData("/sse", "lastEventId")]
    [InlineData("/stream", "cursor")]
    [InlineData("/sub", "cursor")]
    [InlineData("/ws", "cursor")]
    public async Task Cursor_of_several_channels_is_understood_in_both_forms_on_every_way_in(string path, string how)
    {
        await using var server = await LiveServer.StartAsync();
        var a = (await server.PublishAsync("a, =", "a0")).GetProperty("epoch").GetString();
        var b = (await server.PublishAsync("b", "b0")).GetProperty("epoch").GetString();
        await server.PublishAsync("b", "b1");
        foreach (var cursor in new[] { $"{a}:0,{b}:1", $"b={b}:1,a%2C%20%3D={a}:0" })
        {
            var query = $"channel=a%2C%20%3D&channel=b{(how == "Last-Event-ID" ? "" : $"&{how}={Uri.EscapeDataString(cursor)}")}";
            var texts = new List<string?>();
            if (path == "/ws")
            {
                using var socket = await RawSocket.OpenAsync(server.Port, query);
                while (texts.Count < 2) texts.AddRange((await socket.ElementsAsync()).Where(e => e.GetProperty("type").GetString() == "MSG").Select(e => e.GetProperty("msg").GetString()));
            }
            else
            {
                using var answer = await OpenAnswer.GetAsync($"{server.Url}{path}?{query}", how == "Last-Event-ID" ? [(how, cursor)] : []);
                if (path == "/sse") texts.AddRange([(await answer.DataAsync()).Data.GetProperty("msg").GetString(), (await answer.DataAsync()).Data.GetProperty("msg").GetString()]);
                else if (path == "/sub") texts.AddRange((await answer.JsonAsync()).EnumerateArray().Select(e => e.GetProperty("msg").GetString()));
                else while (texts.Count < 2) texts.AddRange(new[] { await answer.JsonAsync() }.Where(e => e.GetProperty("type").GetString() == "MSG").Select(e => e.GetProperty("msg").GetString()));
            }

            Assert.Equal(["a0", "b1"], texts);
        }
    }

    [Theory]
    [InlineData("cursor=e:0,f:0,g:0")]
    [InlineData("cursor=e:0,f")]
    public async Task Cursor_for_another_number_of_channels_is_refused(string cursor)
    {
        await using var server = await LiveServer.StartAsync();
        using var answer = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a&channel=b&{cursor}");
        Assert.Equal(HttpStatusCode.BadRequest, answer.Head.StatusCode);
        Assert.Equal(cursor.Split('=')[0], (await answer.JsonAsync()).GetProperty("parameter").GetString());
    }

    [Fact]
    public async Task Foreign_epochs_that_look_like_more_channels_resume_as_they_were_told()
    {
        await using var server = await LiveServer.StartAsync();
        using var first = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a&channel=b&epoch=x%2Cy%3D%E2%98%84&seqid=3&epoch=%3A&seqid=4");
        var id = await first.BeginAsync();
        Assert.Equal("x%2Cy%3D%E2%98%84:3,%3A:4", id);
        using var second = await OpenAnswer.GetAsync($"{server.Url}/sse?channel=a&channel=b", ("Last-Event-ID", id));
        Assert.Equal(HttpStatusCode.OK, second.Head.StatusCode);
        Assert.Equal(id, await second.BeginAsync());
        for (var i = 0; i < 2; i++) Assert.Equal("reset", (await second.EventAsync())!.Event);
    }

    [Fact]
    public async Task Poll_that_one_channel_fills_goes_on_with_the_others_from_where_they_were()
    {
        await using var server = await LiveServer.StartAsync("CComet:Limits:MessageBytes=5000000", "CComet:History:MaxBytes=20000000");
        await server.PublishAsync("quiet", "old");
        await server.PublishAsync("busy", new string('x', 4_200_000));
        string? cursor = null;
        var told = new List<string>();

        // The quiet one begins from now on: its place must be in the cursor even of an answer that had no room for it.
        for (var poll = 0; poll < 40 && !told.Contains("quiet 1"); poll++)
        {
            using var answer = await OpenAnswer.GetAsync(cursor is null
                ? $"{server.Url}/sub?channel=busy&channel=quiet&seqid=0&seqid="
                : $"{server.Url}/sub?channel=busy&channel=quiet&cursor={Uri.EscapeDataString(cursor)}");
            told.AddRange((await answer.JsonAsync()).EnumerateArray().Select(e => $"{e.GetProperty("channel").GetString()} {e.GetProperty("seqid")}"));
            cursor = answer.Head.Headers.GetValues("CComet-Cursor").Single();
            if (poll == 0) await server.PublishAsync("quiet", "new");
            await server.PublishAsync("busy", new string('x', 4_200_000));
        }

        Assert.Single(told, "quiet 1");
        Assert.DoesNotContain("quiet 0", told);
        Assert.Equal(Enumerable.Range(0, told.Count - 1).Select(i => $"busy {i}"), told.Where(t => t != "quiet 1"));
    }

    private static string QueryOf(IEnumerable<string> names) => string.Join('&', names.Select(n => "channel=" + Uri.EscapeDataString(n)));

    /// <summary>Server-sent events of 64 channels to a client that takes one step at a time.</summary>
    private sealed class EventWire : IStreamRequest, IAsyncDisposable
    {
        public static readonly string[] Names = [.. Enumerable.Range(0, Most).Select(i => $"{i:D4}{string.Concat(Enumerable.Repeat("💥", 63))}")];

        private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1, useSynchronizationContext: false));
        private Task _running = Task.CompletedTask;

        private EventWire()
        {
        }

        public HubFixture Fixture { get; } = new(new HubOptions { Limits = new LimitOptions { ChannelMemoryBytes = 1 << 24 } });

        /// <summary>How much was written each time before the client had to take it, in bytes.</summary>
        public List<long> Steps { get; } = [];

        public static async Task<EventWire> OpenAsync(int messages, string text)
        {
            var wire = new EventWire();
            for (var i = 0; i < messages; i++) await wire.Fixture.Operations.PublishAsync(CallerContext.Local, [.. Names.Select(name => HubFixture.NewMessage(name, text))]);
            var subscriber = await wire.Fixture.Operations.SubscribeAsync(CallerContext.Local, [.. Names.Select(name => new ChannelStart(name, new Cursor(null, 0)))], null);
            await subscriber.BeginAsync();
            wire._running = new EventStream(wire._pipe.Writer, null, subscriber, wire, NativeEncoder.Forms).RunAsync();
            return wire;
        }

        /// <summary>Reads up to so many events with data.</summary>
        public async Task<string> ReadAllAsync(int events)
        {
            using var deadline = new CancellationTokenSource(Patience.Limit);
            var (text, seen) = (new StringBuilder(), 0);
            while (seen < events)
            {
                var read = await _pipe.Reader.ReadAsync(deadline.Token);
                var part = Encoding.UTF8.GetString(read.Buffer);
                Steps.Add(read.Buffer.Length);
                _pipe.Reader.AdvanceTo(read.Buffer.End);
                text.Append(part);
                seen += part.Split("\ndata: ").Length - 1 + (part.StartsWith("data: ", StringComparison.Ordinal) ? 1 : 0);
            }

            return text.ToString();
        }

        public void Abort()
        {
        }

        public ValueTask EndAsync(Exception? failure) => failure is null ? ValueTask.CompletedTask : ValueTask.FromException(failure);

        public async ValueTask DisposeAsync()
        {
            Fixture.Hub.Drain();
            await _pipe.Reader.CompleteAsync();
            await _running.WaitAsync(Patience.Limit);
            Fixture.Dispose();
        }
    }
}
