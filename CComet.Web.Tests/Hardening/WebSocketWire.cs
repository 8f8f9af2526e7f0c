using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using CComet.Dialects.Native;
using CComet.Transports;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hardening;

/// <summary>A WebSocket whose both ends are pipes, on a clock that the test turns.</summary>
internal sealed class WebSocketWire : IStreamRequest, IDisposable
{
    public const int MaxMessage = 1 << 20;

    private readonly Pipe _input = new(new PipeOptions(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false));
    private readonly Pipe _output;

    private WebSocketWire(long pause) => _output = new Pipe(new PipeOptions(pauseWriterThreshold: pause, resumeWriterThreshold: pause / 2, useSynchronizationContext: false));

    public HubFixture Fixture { get; } = new();

    /// <summary>The messages that came whole.</summary>
    public List<string> Messages { get; } = [];

    public bool IsAborted { get; private set; }

    /// <summary>Ends when the server's side has ended.</summary>
    public Task Running { get; private set; } = Task.CompletedTask;

    /// <summary>Opens one.</summary>
    /// <param name="pause">How much the client leaves untaken before the server must wait, in bytes; 0 for any amount.</param>
    public static async Task<WebSocketWire> OpenAsync(long pause = 0)
    {
        var wire = new WebSocketWire(pause);
        var subscriber = await wire.Fixture.SubscribeAsync("c");
        await subscriber.BeginAsync();
        var feed = new WebSocketStream(wire._output.Writer, null, subscriber, wire, NativeEncoder.Forms);
        var receiver = new WebSocketReceiver(feed, subscriber, MaxMessage, text =>
        {
            wire.Messages.Add(Encoding.UTF8.GetString(text.Span));
            return ValueTask.FromResult(new WebSocketAnswer("[]"u8.ToArray()));
        });

        // Away from the context of the test, so that what is sent is read before the sending returns.
        await Task.Run(() => { _ = receiver.RunAsync(wire._input.Reader); });
        wire.Running = RunAsync();
        await Eventually.TrueAsync(() => wire.Fixture.Hub.Find("c")!.Waiting == 1, "Following");
        return wire;

        async Task RunAsync()
        {
            await feed.RunAsync();
            feed.Complete();
        }
    }

    /// <summary>Sends a frame with a mask of zeros.</summary>
    public Task SendAsync(int opcode, byte[] payload, bool isFinal = true) => SendAsync([.. RawSocket.Header(opcode, payload.Length, isFinal), 0, 0, 0, 0, .. payload]);

    public async Task SendAsync(byte[] bytes) => await _input.Writer.WriteAsync(bytes);

    /// <summary>The code and the reason of the close frame with which the server's side ends.</summary>
    public async Task<(int Code, string Reason)> CloseAsync()
    {
        await Running.WaitAsync(Patience.Limit);
        var bytes = Output();
        var begin = bytes.AsSpan().LastIndexOf((byte)0x88);
        return ((bytes[begin + 2] << 8) | bytes[begin + 3], Encoding.ASCII.GetString(bytes[(begin + 4)..]));
    }

    /// <summary>All that the server has written and the client not taken.</summary>
    public byte[] Output()
    {
        _output.Reader.TryRead(out var read);
        var bytes = read.Buffer.ToArray();
        _output.Reader.AdvanceTo(read.Buffer.Start);
        return bytes;
    }

    public void Abort() => IsAborted = true;

    public ValueTask EndAsync(Exception? failure) => failure is null ? ValueTask.CompletedTask : ValueTask.FromException(failure);

    public void Dispose() => Fixture.Dispose();
}
