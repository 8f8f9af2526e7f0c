using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using CComet.Dialects.Native;
using CComet.Limits;
using CComet.Transports;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Transports;

/// <summary>
/// A stream that has read everything writes to the socket past the server's pipes. Nothing may overtake, be lost or be cut in the
/// middle by that: what the pipe is given stands in for what the web server would write to the same socket.
/// </summary>
public sealed partial class StreamLoopTests
{
    private const string Channel = "c";

    /// <summary>The loop reads this much at a time; a message that is larger is one step.</summary>
    private const int Large = (int)ReadSizes.MaxStepBytes;

    [Fact]
    public async Task Message_for_a_parked_stream_goes_to_the_socket_as_a_chunk()
    {
        using var wire = await Wire.OpenAsync();
        await wire.PublishAsync("first");
        var text = await wire.FromSocketAsync(1);
        Assert.Matches(@"\A[0-9A-F]+\r\nid: [^\n]+:1\ndata: \{[^\n]*""msg"":""first""[^\n]*\}\n\n\r\n\z", text);
        Assert.Equal(text.Length, "\r\n\r\n".Length + text.IndexOf('\r', StringComparison.Ordinal) + Convert.ToInt32(text[..text.IndexOf('\r', StringComparison.Ordinal)], 16));
        Assert.DoesNotContain("data:", wire.FromPipe(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rest_that_the_socket_did_not_take_is_sent_before_anything_else_is_written()
    {
        using var wire = await Wire.OpenAsync();
        await wire.FillAsync();
        var count = wire.Published;

        // It is in the middle of a message, for as long as the client takes nothing, and waits for that alone.
        await Eventually.TrueAsync(() => wire.Fixture.Hub.Context.Wheel.Count == 1, "Waiting for the client");
        Assert.False(wire.IsFollowing);
        await wire.PublishAsync("later");
        Assert.DoesNotContain("later", wire.FromPipe(), StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(0, count), Seqids(await wire.FromSocketAsync(count)));
        await Eventually.TrueAsync(() => wire.FromPipe().Contains("later", StringComparison.Ordinal), "Reading of what came meanwhile");
        Assert.Equal([count], Seqids(wire.FromPipe()));

        await Eventually.TrueAsync(() => wire.IsFollowing, "Following again");
        await wire.PublishAsync("last");
        Assert.Equal([count + 1], Seqids(await wire.FromSocketAsync(1)));
    }

    [Fact]
    public async Task Nothing_is_written_behind_a_part_of_a_message_when_the_stream_is_to_end()
    {
        using var wire = await Wire.OpenAsync();
        await wire.FillAsync();
        wire.Fixture.Hub.Drain();
        Assert.DoesNotContain("bye", wire.FromPipe(), StringComparison.Ordinal);
        await wire.FromSocketAsync(wire.Published);
        await wire.Running.WaitAsync(Patience.Limit);
        Assert.Contains("event: bye", wire.FromPipe(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Socket_that_fails_in_the_middle_of_a_message_ends_the_stream_and_the_connection()
    {
        using var wire = await Wire.OpenAsync();
        await wire.FillAsync();
        wire.Reset();
        await wire.Running.WaitAsync(Patience.Limit);
        Assert.True(wire.IsAborted);
        Assert.Equal(0, wire.Fixture.Hub.SubscriberCount);
        Assert.DoesNotContain("data:", wire.FromPipe(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Client_that_takes_nothing_of_the_rest_of_a_message_is_cut_off()
    {
        using var wire = await Wire.OpenAsync();
        await wire.FillAsync();
        await wire.Fixture.Time.UntilAsync(() => wire.IsAborted, TimeSpan.FromSeconds(1), "Cutting off");
        wire.CloseServerSide();
        await wire.Running.WaitAsync(Patience.Limit);
    }

    private static IEnumerable<int> Seqids(string text) => Seqid().Matches(text).Select(match => int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture));

    [GeneratedRegex("\"seqid\":([0-9]+)")]
    private static partial Regex Seqid();

    /// <summary>A stream of server-sent events whose pipe and socket both end in the test.</summary>
    private sealed class Wire : IStreamRequest, IDisposable
    {
        private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: 0));
        private readonly StringBuilder _fromPipe = new();
        private readonly Socket _client;
        private readonly Socket _server;

        private Wire(Socket client, Socket server) => (_client, _server) = (client, server);

        public HubFixture Fixture { get; } = new(new HubOptions { History = new HistoryOptions { MaxMessages = 100_000, MaxBytes = 1 << 30 } });

        public Task Running { get; private set; } = Task.CompletedTask;

        public int Published { get; private set; }

        public bool IsAborted { get; private set; }

        public bool IsFollowing => Fixture.Hub.Find(Channel)!.Waiting == 1;

        public static async Task<Wire> OpenAsync()
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            var client = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
            await client.ConnectAsync(listener.LocalEndpoint);
            var server = await listener.AcceptSocketAsync();
            server.Blocking = false;
            var wire = new Wire(client, server);
            var subscriber = await wire.Fixture.SubscribeAsync(Channel);
            await subscriber.BeginAsync();
            wire.Running = new EventStream(wire._pipe.Writer, server, subscriber, wire, NativeEncoder.Forms).RunAsync();
            await Eventually.TrueAsync(() => wire.IsFollowing, "Following");
            return wire;
        }

        /// <summary>Publishes until the stream is stuck in a message: a stream that is between two waits follows again, and its socket takes more.</summary>
        public async Task FillAsync()
        {
            while (IsFollowing || _server.Poll(0, SelectMode.SelectWrite))
            {
                if (IsFollowing) await PublishAsync(new string('x', Large));
                else await Task.Yield();
            }
        }

        public async Task PublishAsync(string text)
        {
            await Fixture.PublishAsync(Channel, text);
            Published++;
        }

        /// <summary>All that the web server has been given to write.</summary>
        public string FromPipe()
        {
            while (_pipe.Reader.TryRead(out var read))
            {
                _fromPipe.Append(Encoding.UTF8.GetString(read.Buffer));
                _pipe.Reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted || read.Buffer.IsEmpty) break;
            }

            return _fromPipe.ToString();
        }

        /// <summary>What comes to the client, up to the end of so many events.</summary>
        public async Task<string> FromSocketAsync(int events)
        {
            using var deadline = new CancellationTokenSource(Patience.Limit);
            var (text, buffer) = (new StringBuilder(), new byte[64 << 10]);
            while (events > 0)
            {
                var count = await _client.ReceiveAsync(buffer, deadline.Token);
                var part = Encoding.UTF8.GetString(buffer, 0, count);
                text.Append(part);
                events -= part.Count(c => c == '}');
            }

            // The end of the event and of its chunk.
            for (var rest = 0; !text.ToString(Math.Max(0, text.Length - 5), Math.Min(5, text.Length)).EndsWith("\n\n\r\n", StringComparison.Ordinal) && rest < 8; rest++)
                text.Append(Encoding.UTF8.GetString(buffer, 0, await _client.ReceiveAsync(buffer.AsMemory(0, 1), deadline.Token)));
            return text.ToString();
        }

        public void Reset()
        {
            _client.LingerState = new LingerOption(true, 0);
            _client.Dispose();
        }

        public void CloseServerSide() => _server.Dispose();

        public void Abort() => IsAborted = true;

        public ValueTask EndAsync(Exception? failure) => failure is null ? ValueTask.CompletedTask : ValueTask.FromException(failure);

        public void Dispose()
        {
            _client.Dispose();
            _server.Dispose();
            Fixture.Dispose();
        }
    }
}
