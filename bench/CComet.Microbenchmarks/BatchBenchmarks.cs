using BenchmarkDotNet.Attributes;
using CComet.Channels;
using CComet.Dialects.Native;
using CComet.Limits;
using CComet.Messages;
using CComet.Subscriptions;
using CComet.Transports;

namespace CComet.Microbenchmarks;

/// <summary>Measures making a batch and its encodings, and finding them again for each further subscriber.</summary>
[MemoryDiagnoser]
public class BatchBenchmarks : IDisposable
{
    private const string Epoch = "0123456789";

    private readonly BenchmarkHub _hub = new();
    private Message[] _messages = [];
    private LogTail? _tail;
    private Subscriber? _subscriber;
    private IMessageSink? _events;
    private Batch _encoded = Batch.Empty;

    /// <summary>How many messages the batch has.</summary>
    [Params(1, 16)]
    public int Messages { get; set; }

    /// <summary>Makes the messages, the tail that holds them, and the stream that they are written to.</summary>
    [GlobalSetup]
    public async Task SetupAsync()
    {
        var now = DateTimeOffset.UtcNow;
        var message = new NewMessage(BenchmarkHub.Channel, MessageType.Msg, null, JsonString.Quote(BenchmarkHub.Text));
        _messages = [.. Enumerable.Range(0, Messages).Select(seqid => Message.Create(message, seqid, now.ToUnixTimeMilliseconds()))];
        _tail = new LogTail(new HistoryOptions(), _hub.Context.Memory);
        _tail.Rebase(Epoch, 0);
        _tail.Accept(_messages, now);

        _subscriber = await _hub.SubscribeAsync();
        await _subscriber.BeginAsync();
        _events = new EventStream(new DiscardingWriter(), socket: null, _subscriber, new UnusedRequest(), NativeEncoder.Forms);
        _encoded = new Batch(Epoch, _messages);
        _encoded.As(NativeEncoder.Forms.Array);
        _events.TryWrite(0, _encoded);
    }

    /// <summary>Makes the batch from the tail, which first forgets those that it has made.</summary>
    [Benchmark]
    public int MakeBatch()
    {
        _tail!.Forget();
        return _tail.BatchFrom(0, ReadSizes.MaxReadBytes).Messages.Count;
    }

    /// <summary>Finds the batch that the tail has made.</summary>
    [Benchmark]
    public int FindBatch() => _tail!.BatchFrom(0, ReadSizes.MaxReadBytes).Messages.Count;

    /// <summary>Encodes a new batch as the whole answer of a long poll.</summary>
    [Benchmark]
    public ReadOnlyMemory<byte> EncodeArray() => new Batch(Epoch, _messages).As(NativeEncoder.Forms.Array);

    /// <summary>Finds the answer that was encoded for another poll.</summary>
    [Benchmark]
    public ReadOnlyMemory<byte> FindArray() => _encoded.As(NativeEncoder.Forms.Array);

    /// <summary>Pushes a new batch to a stream of server-sent events: the events are encoded, and written to a pipe that discards them.</summary>
    [Benchmark]
    public bool EncodeEvents() => _events!.TryWrite(0, new Batch(Epoch, _messages));

    /// <summary>Pushes a batch whose events were encoded for another stream.</summary>
    [Benchmark]
    public bool WriteEvents() => _events!.TryWrite(0, _encoded);

    /// <summary>Ends the hub.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _subscriber?.Dispose();
        _hub.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Takes the place of the request of a stream that is only pushed to.</summary>
    private sealed class UnusedRequest : IStreamRequest
    {
        public void Abort() => throw new NotSupportedException();

        public ValueTask EndAsync(Exception? failure) => throw new NotSupportedException();
    }
}
