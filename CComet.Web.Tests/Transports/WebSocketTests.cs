using System.Text;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Transports;

/// <summary>What goes through an open WebSocket.</summary>
public sealed class WebSocketTests
{
    [Fact]
    public async Task Cursor_comes_first_and_then_arrays_as_from_a_poll()
    {
        await using var server = await LiveServer.StartAsync();
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=a");
        var begin = await socket.FrameAsync();
        var epoch = (await server.PublishAsync("a", "one")).GetProperty("epoch").GetString();
        Assert.Equal($$"""[{"type":"CURSOR","channel":"a","epoch":"{{epoch}}","seqid":0}]""", begin!.Text);
        Assert.Equal((await server.Http.GetStringAsync(new Uri("/sub?channel=a&seqid=0", UriKind.Relative))).TrimEnd('\n'), (await socket.FrameAsync())!.Text);
    }

    [Fact]
    public async Task Missed_messages_come_at_once_and_a_gap_or_reset_before_them()
    {
        await using var server = await LiveServer.StartAsync("CComet:History:MaxMessages=2");
        for (var i = 0; i < 5; i++) await server.PublishAsync("a", i);
        using var behind = await RawSocket.OpenAsync(server.Port, "channel=a&seqid=1");
        Assert.Equal(["CURSOR 1", "GAP 2", "MSG 3", "MSG 4"], await TakeAsync(behind, 4));
        using var elsewhere = await RawSocket.OpenAsync(server.Port, "channel=a&cursor=old:1");
        Assert.Equal(["CURSOR 1", "RESET 0", "GAP 2", "MSG 3", "MSG 4"], await TakeAsync(elsewhere, 5));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(200)]
    [InlineData(50_000)]
    public async Task Messages_of_every_length_come_whole(int length)
    {
        await using var server = await LiveServer.StartAsync();
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=a&channel=b");
        Assert.Equal(2, (await socket.ElementsAsync()).Length);
        var text = new string('☄', length / 3) + "x";
        await server.PublishAsync("b", text);
        Assert.Equal(text, (await socket.ElementsAsync()).Single().GetProperty("msg").GetString());

        // Where the next begins shows that the length was right.
        await server.PublishAsync("b", "next");
        Assert.Equal("next", (await socket.ElementsAsync()).Single().GetProperty("msg").GetString());
    }

    [Fact]
    public async Task Publish_is_answered_by_its_receipt_and_its_repetition_by_the_first_one()
    {
        await using var server = await LiveServer.StartAsync();
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=mine");
        await socket.ElementsAsync();
        await socket.SendJsonAsync(new { channel = "other", msg = new { x = 1 }, sname = "alice", id = "1" });
        var receipt = (await socket.FrameAsync())!.Text;
        await socket.SendJsonAsync(new { channel = "other", msg = "again", sname = "alice", id = "1" });
        var again = (await socket.FrameAsync())!.Text;

        var stored = (await server.Http.GetStringAsync(new Uri("/sub?channel=other&seqid=0", UriKind.Relative)));
        var epoch = (await server.PublishAsync("other", "next")).GetProperty("epoch").GetString();
        Assert.Equal($$"""[{"type":"pub","channel":"other","epoch":"{{epoch}}","seqid":0}]""", receipt);
        Assert.Equal($$"""[{"type":"pub","channel":"other","epoch":"{{epoch}}","seqid":0,"duplicate":true}]""", again);
        Assert.Contains("""[{"type":"MSG","channel":"other","sname":"alice","msg":{"x":1},"seqid":0,""", stored, StringComparison.Ordinal);
        Assert.DoesNotContain("again", stored, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Socket_that_publishes_to_its_own_channel_gets_both_the_receipt_and_the_message()
    {
        await using var server = await LiveServer.StartAsync();
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=a");
        await socket.ElementsAsync();
        await socket.SendJsonAsync(new { channel = "a", msg = "hello" });
        Assert.Equal(["MSG 0", "pub 0"], (await TakeAsync(socket, 2)).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("""{"channel":"a"}""", "400")]
    [InlineData("""{"msg":"no channel"}""", "400")]
    [InlineData("""{"channel":"a","msg":""", "400")]
    [InlineData("7", "400")]
    [InlineData("", "400")]
    [InlineData("""{"channel":"a\u0007","msg":"x"}""", "400")]
    public async Task Publish_that_cannot_be_is_answered_by_an_element_and_the_connection_stays(string text, string type)
    {
        await using var server = await LiveServer.StartAsync();
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=a");
        await socket.ElementsAsync();
        await socket.SendTextAsync(text);
        var error = (await socket.ElementsAsync()).Single();
        Assert.Equal(type, error.GetProperty("type").GetString());
        Assert.NotEmpty(error.GetProperty("reason").GetString()!);
        await server.PublishAsync("a", "still here");
        Assert.Equal(["MSG 0"], await TakeAsync(socket, 1));
    }

    [Fact]
    public async Task Message_over_its_limit_is_refused_by_an_element()
    {
        await using var server = await LiveServer.StartAsync("CComet:Limits:MessageBytes=100");
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=a");
        await socket.ElementsAsync();
        await socket.SendJsonAsync(new { channel = "a", msg = new string('x', 101) });
        Assert.Equal("413", (await socket.ElementsAsync()).Single().GetProperty("type").GetString());
    }

    [Fact]
    public async Task Message_in_pieces_with_a_ping_between_is_one_message()
    {
        await using var server = await LiveServer.StartAsync();
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=other");
        await socket.ElementsAsync();
        var bytes = Encoding.UTF8.GetBytes("""{"channel":"a","msg":"☄ in pieces"}""");
        await socket.SendAsync(RawSocket.Text, bytes[..22], isFinal: false);
        await socket.SendAsync(RawSocket.Continuation, [], isFinal: false);
        await socket.SendAsync(RawSocket.Ping, [1, 2, 3]);
        await socket.SendAsync(RawSocket.Continuation, bytes[22..24], isFinal: false);

        // Nothing is published before the last piece, and the ping does not wait for it.
        var pong = await socket.FrameAsync();
        Assert.Equal((0x80 | RawSocket.Pong, "1,2,3"), (pong!.FirstByte, string.Join(',', pong.Payload)));
        Assert.Null(server.Hub.Find("a"));
        await socket.SendAsync(RawSocket.Continuation, bytes[24..]);
        Assert.Equal(["pub 0"], await TakeAsync(socket, 1));
        Assert.Contains("☄ in pieces", await server.Http.GetStringAsync(new Uri("/sub?channel=a&seqid=0", UriKind.Relative)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Frames_that_come_byte_by_byte_are_read()
    {
        await using var server = await LiveServer.StartAsync();
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=other");
        await socket.ElementsAsync();
        var text = """{"channel":"a","msg":"slowly"}"""u8.ToArray();
        byte[] frame = [.. RawSocket.Header(RawSocket.Text, text.Length), 0, 0, 0, 0, .. text];
        foreach (var one in frame) await socket.SendRawAsync([one]);
        Assert.Equal(["pub 0"], await TakeAsync(socket, 1));
    }

    [Fact]
    public async Task Newest_of_a_name_ends_the_older_with_an_element_and_a_code()
    {
        await using var server = await LiveServer.StartAsync();
        using var old = await RawSocket.OpenAsync(server.Port, "channel=a&sname=alice");
        await old.ElementsAsync();
        await Eventually.TrueAsync(() => server.Hub.Find("a")?.Waiting == 1, "The first waits");
        using var young = await RawSocket.OpenAsync(server.Port, "channel=a&sname=alice");
        await young.ElementsAsync();
        Assert.Equal("409", (await old.ElementsAsync()).Single().GetProperty("type").GetString());
        Assert.Equal(4409, await old.CloseCodeAsync());
        await old.SendCloseAsync(4409);
        Assert.Null(await old.FrameAsync());
        await server.PublishAsync("a", "one");
        Assert.Equal(["MSG 0"], await TakeAsync(young, 1));
    }

    [Fact]
    public async Task Client_that_answers_pings_stays()
    {
        // By a clock of its own: a client on a busy machine may be late with its pong.
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await LiveServer.StartAsync(0, new CCometFactory(time, "CComet:Stream:Heartbeat=00:00:10"));
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=a");
        await socket.ElementsAsync();
        for (var i = 0; i < 5; i++)
        {
            time.Advance(TimeSpan.FromSeconds(11));
            Assert.Empty(await socket.ElementsAsync());
            Assert.Equal(0x80 | RawSocket.Ping, (await socket.FrameAsync())!.FirstByte);
            await socket.SendAsync(RawSocket.Pong, []);
        }

        await server.PublishAsync("a", "one");
        var frame = await socket.FrameAsync();
        while (frame!.Opcode == RawSocket.Ping || frame.Elements.Length == 0) frame = await socket.FrameAsync();
        Assert.Equal("one", frame.Elements.Single().GetProperty("msg").GetString());
    }

    [Fact]
    public async Task Client_that_gives_no_sign_of_life_is_disconnected()
    {
        await using var server = await LiveServer.StartAsync("CComet:Stream:Heartbeat=00:00:00.5");
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=a");
        await socket.ElementsAsync();
        Assert.Empty(await socket.ElementsAsync());
        while (await socket.FrameAsync() is { } frame) Assert.True(frame.Opcode == RawSocket.Ping || frame.Elements.Length == 0);
        await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 0, "Nothing of it stays");
    }

    private static async Task<List<string>> TakeAsync(RawSocket socket, int count)
    {
        var told = new List<string>();
        while (told.Count < count) told.AddRange((await socket.ElementsAsync()).Select(e => $"{e.GetProperty("type").GetString()} {e.GetProperty("seqid")}"));
        return told;
    }
}
