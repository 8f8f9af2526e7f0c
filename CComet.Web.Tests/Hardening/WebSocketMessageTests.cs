using CComet.Transports;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hardening;

/// <summary>Attacks by messages on a WebSocket that do not end, or come in too many pieces, or announce what never comes.</summary>
public sealed class WebSocketMessageTests
{
    private static readonly byte[] Empty = [];

    /// <summary>What begins, and does not go on.</summary>
    public static readonly TheoryData<string, byte[]> Unfinished = new()
    {
        { "half a header", [0x81] },
        { "a header without its mask", [0x81, 0xFE, 1, 0, 0] },
        { "a header that announces a mebibyte", [0x81, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0] },
        { "half a payload", [0x81, 0x84, 0, 0, 0, 0, (byte)'{', (byte)'}'] },
        { "a message without its last frame", [0x01, 0x81, 0, 0, 0, 0, (byte)'{'] },
        { "an empty beginning", [0x01, 0x80, 0, 0, 0, 0] },
        { "half a ping", [0x89, 0x82, 0, 0, 0, 0, 1] },
        { "a ping inside a message without its last frame", [0x01, 0x80, 0, 0, 0, 0, 0x89, 0x80, 0, 0, 0, 0] },
    };

    [Fact]
    public async Task Message_of_endless_empty_fragments_is_closed_with_1008()
    {
        using var wire = await WebSocketWire.OpenAsync();
        await wire.SendAsync(RawSocket.Text, Empty, isFinal: false);
        for (var i = 1; i < WebSocketReceiver.MaxFragments; i++) await wire.SendAsync(RawSocket.Continuation, Empty, isFinal: false);
        Assert.False(wire.Running.IsCompleted);
        await wire.SendAsync(RawSocket.Continuation, Empty, isFinal: false);
        Assert.Equal((1008, "A message may come in at most 1024 frames."), await wire.CloseAsync());
        Assert.Empty(wire.Messages);
    }

    [Fact]
    public async Task Message_of_as_many_fragments_as_it_may_have_is_taken()
    {
        using var wire = await WebSocketWire.OpenAsync();
        for (var round = 1; round <= 2; round++)
        {
            await wire.SendAsync(RawSocket.Text, "a"u8.ToArray(), isFinal: false);
            for (var i = 2; i < WebSocketReceiver.MaxFragments; i++) await wire.SendAsync(RawSocket.Continuation, "b"u8.ToArray(), isFinal: false);
            await wire.SendAsync(RawSocket.Continuation, "c"u8.ToArray());
            Assert.Equal(round, wire.Messages.Count);
            Assert.Equal($"a{new string('b', WebSocketReceiver.MaxFragments - 2)}c", wire.Messages[^1]);
        }
    }

    [Fact]
    public async Task Message_over_the_limit_is_refused_at_the_header_that_announces_it_with_a_reason()
    {
        using var wire = await WebSocketWire.OpenAsync();
        await wire.SendAsync(RawSocket.Text, new byte[WebSocketWire.MaxMessage - 1], isFinal: false);
        await wire.SendAsync(RawSocket.Header(RawSocket.Continuation, 2));
        Assert.Equal((1009, $"A message may be at most {WebSocketWire.MaxMessage} bytes long."), await wire.CloseAsync());
    }

    [Theory]
    [MemberData(nameof(Unfinished))]
    public async Task Frame_or_message_that_does_not_end_is_closed_once_its_time_is_over(string what, byte[] bytes)
    {
        using var wire = await WebSocketWire.OpenAsync();
        await wire.SendAsync(bytes);
        wire.Fixture.Time.Advance(wire.Fixture.Options.Limits.BodyTimeout);
        Assert.False(wire.Running.IsCompleted, what);
        wire.Fixture.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((1008, "The message took too long to come."), await wire.CloseAsync());
        Assert.Equal(0, wire.Fixture.Hub.Context.Wheel.Count);
        Assert.False(wire.IsAborted);
    }

    [Fact]
    public async Task Byte_after_byte_does_not_put_off_the_end_of_a_messages_time()
    {
        using var wire = await WebSocketWire.OpenAsync();
        await wire.SendAsync([0x81, 0xFE, 1, 0, 0, 0, 0, 0]);
        for (var i = 0; i < 10; i++)
        {
            await wire.SendAsync("x"u8.ToArray());
            wire.Fixture.Time.Advance(wire.Fixture.Options.Limits.BodyTimeout / 10);
        }

        wire.Fixture.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1008, (await wire.CloseAsync()).Code);
    }

    [Fact]
    public async Task Messages_that_each_come_in_time_are_never_closed_and_leave_no_deadline()
    {
        using var wire = await WebSocketWire.OpenAsync();

        // Cut so that no piece ends where a message does.
        byte[] frames = [.. Enumerable.Range(0, 20).SelectMany(_ => (byte[])[0x81, 0x84, 0, 0, 0, 0, .. "text"u8])];
        for (var at = 0; at < frames.Length; at += 7)
        {
            var end = Math.Min(at + 7, frames.Length);
            await wire.SendAsync(frames[at..end]);
            await Eventually.TrueAsync(() => wire.Messages.Count == end / 10, "Taking what is whole");
            wire.Fixture.Time.Advance(wire.Fixture.Options.Limits.BodyTimeout / 4);
        }

        Assert.Equal(20, wire.Messages.Count);
        Assert.False(wire.Running.IsCompleted);
        await Eventually.TrueAsync(() => wire.Fixture.Hub.Context.Wheel.Count == 1, "The wait of the stream alone");
    }

    [Fact]
    public async Task Length_that_is_announced_and_does_not_come_allocates_nothing_for_it()
    {
        using var wire = await WebSocketWire.OpenAsync();
        byte[] announced = [.. RawSocket.Header(RawSocket.Text, WebSocketWire.MaxMessage), 0, 0, 0, 0, (byte)'x'];
        var before = GC.GetAllocatedBytesForCurrentThread();
        var sending = wire.SendAsync(announced);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 10);
        await sending;
    }

    [Fact]
    public void Payload_that_comes_byte_by_byte_costs_in_proportion_to_its_bytes()
    {
        const int bytes = 100_000;
        var one = new System.Buffers.ReadOnlySequence<byte>("x"u8.ToArray());
        var payload = default(WebSocketPayload);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < bytes; i++)
        {
            payload.Append(default, 0, 0);
            payload.Append(one, 0, i);
        }

        // Each doubling copies what there is: four times as much in all.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, bytes, 4 * bytes);
        Assert.Equal(bytes, payload.Take().Length);
    }

    [Fact]
    public void Payload_is_unmasked_wherever_its_pieces_begin()
    {
        byte[] mask = [0x37, 0xFA, 0x21, 0x3D];
        var text = Enumerable.Range(0, 23).Select(i => (byte)i).ToArray();
        var masked = text.Select((b, i) => (byte)(b ^ mask[i & 3])).ToArray();
        var payload = default(WebSocketPayload);
        foreach (var (from, to) in new[] { (0, 1), (1, 3), (3, 10), (10, 10), (10, 23) })
            payload.Append(new System.Buffers.ReadOnlySequence<byte>(masked[from..to]), 0x37FA213D, from);
        Assert.Equal(text, payload.Take().ToArray());
        Assert.Equal(0, payload.Length);
    }

    [Fact]
    public async Task Pings_of_a_client_that_reads_nothing_are_answered_up_to_a_bound_and_then_it_is_cut_off()
    {
        using var wire = await WebSocketWire.OpenAsync(pause: 256);
        byte[] pings = [.. Enumerable.Range(0, 10_000).SelectMany(_ => (byte[])[0x89, 0x80, 0, 0, 0, 0])];
        var sending = wire.SendAsync(pings);
        await wire.Fixture.Time.UntilAsync(() => wire.IsAborted, TimeSpan.FromSeconds(1), "Cutting off");
        Assert.InRange(wire.Output().Length, 0, 1024);
        GC.KeepAlive(sending);
    }
}
