using System.IO.Pipelines;
using System.Net.Sockets;
using CComet.Channels;
using CComet.Limits;
using CComet.Messages;
using CComet.Subscriptions;

namespace CComet.Transports;

/// <summary>
/// A stream to one subscriber: the one loop that reads the log and writes, for every transport that stays open. While one that has
/// read everything waits, what comes next is written here without waking the loop. What differs between transports is only how
/// things look on the wire, which is what the abstract members say.
/// </summary>
/// <param name="output">The wire.</param>
/// <param name="socket">
/// The socket under it, which does not block; null when what is written is not what goes over the socket, or when a flush may be
/// over before the kernel has what was flushed.
/// </param>
/// <param name="subscriber">Whose stream it is; it has begun.</param>
/// <param name="request">What asked for it.</param>
internal abstract class StreamLoop(PipeWriter output, Socket? socket, Subscriber subscriber, IStreamRequest request) : IMessageSink
{
    /// <summary>The code by which a client is told that its right was revoked.</summary>
    protected const int RevokedCode = 403;

    /// <summary>What it is told.</summary>
    protected const string RevokedReason = "The right to follow was revoked.";

    private static readonly TimeSpan StoreRetry = TimeSpan.FromSeconds(1);

    private Task? _flushing;
    private long _wroteAt;

    /// <summary>The wire.</summary>
    protected PipeWriter Output { get; } = output;

    /// <summary>Whose stream it is.</summary>
    protected Subscriber Subscriber { get; } = subscriber;

    /// <summary>What asked for it.</summary>
    protected IStreamRequest Request => request;

    /// <summary>Its hub.</summary>
    protected HubContext Hub => Subscriber.Hub;

    /// <summary>Runs until the client has gone or the server ends the stream. Then the subscriber is disposed of, and the request ended.</summary>
    public async Task RunAsync()
    {
        Exception? failure = null;
        try
        {
            Subscriber.Sink = this;
            Begin();
            await FlushAsync();
            while (Subscriber.Ended is null) await StepAsync();
            if (_flushing is not null) await TakenAsync(_flushing);
            Finish(Subscriber.Ended.Value, Hub.ReconnectDelay());
            await FlushAsync();
        }
        catch (Exception e)
        {
            failure = e;
        }

        Subscriber.Dispose();
        await request.EndAsync(failure);
    }

    /// <inheritdoc/>
    bool IMessageSink.TryWrite(int channelIndex, Batch batch)
    {
        try
        {
            _wroteAt = Hub.Time.GetTimestamp();
            Hub.Lagged(Subscriber.Transport, batch, _wroteAt);
            if (socket is not null && ForSocket(batch) is { IsEmpty: false } bytes) return TrySend(bytes);
            Write(channelIndex, batch, isLast: true);
            var flush = Output.FlushAsync();
            if (flush.IsCompletedSuccessfully)
            {
                flush.GetAwaiter().GetResult();
                return true;
            }

            _flushing = flush.AsTask();
        }
        catch (Exception e)
        {
            // Left to the loop, which awaits it: the fan-out has other subscribers to reach.
            _flushing = Task.FromException(e);
        }

        return false;
    }

    /// <summary>Writes what begins the stream: the subscriber's cursor.</summary>
    protected abstract void Begin();

    /// <summary>Writes a notice to one of the subscriber's channels.</summary>
    /// <param name="channelIndex">Which of the subscriber's channels.</param>
    /// <param name="notice">What is told.</param>
    /// <param name="isLast">Whether nothing is written behind it before it is sent.</param>
    protected abstract void Write(int channelIndex, Notice notice, bool isLast);

    /// <summary>Writes messages of one of the subscriber's channels.</summary>
    /// <param name="channelIndex">Which of the subscriber's channels.</param>
    /// <param name="batch">The messages.</param>
    /// <param name="isLast">Whether nothing is written behind them before they are sent.</param>
    protected abstract void Write(int channelIndex, Batch batch, bool isLast);

    /// <summary>The notice by which a stream ends that the client is to open again.</summary>
    protected static Notice ByeOf(WakeReason reason, TimeSpan retry) => Notice.Bye(retry, reason switch
    {
        WakeReason.Expired => "expired",
        WakeReason.Kicked => "kicked",
        _ => null,
    });

    /// <summary>Whether a stream that ends for a reason is told <see cref="ByeOf"/>: its client is to open it again.</summary>
    protected static bool IsBye(WakeReason reason) => reason is WakeReason.Draining or WakeReason.Expired or WakeReason.Kicked;

    /// <summary>A batch as it goes over the socket, where that is the same for every client; else nothing.</summary>
    protected abstract ReadOnlyMemory<byte> ForSocket(Batch batch);

    /// <summary>A sign of life; false when the client has given none for too long.</summary>
    protected abstract bool TryHeartbeat();

    /// <summary>Writes what ends the stream.</summary>
    protected abstract void Finish(WakeReason reason, TimeSpan retry);

    /// <summary>The ticket that follows the one by which the client came, when it is due; false when none is.</summary>
    protected virtual bool WriteTicket() => false;

    /// <summary>Answers to what the client sent on the same connection; false when there are none.</summary>
    protected virtual bool WriteReplies() => false;

    /// <summary>
    /// Past the pipes, which cost each delivery more than all the rest: whatever was written before is the kernel's already, or the
    /// loop would not wait.
    /// </summary>
    private bool TrySend(ReadOnlyMemory<byte> bytes)
    {
        var sent = socket!.Send(bytes.Span, SocketFlags.None, out _);
        if (sent == bytes.Length) return true;
        _flushing = SendAsync(bytes[sent..]);
        return false;
    }

    private async Task SendAsync(ReadOnlyMemory<byte> rest)
    {
        while (rest.Length > 0) rest = rest[await socket!.SendAsync(rest, SocketFlags.None)..];
    }

    /// <summary>One turn of the loop. None of it is left while the loop waits: what it awaits is handed to the loop itself.</summary>
    private ValueTask StepAsync()
    {
        if (_flushing is not null) return TakenAsync(_flushing);
        var reading = Subscriber.ReadAsync(park: true, ReadSizes.MaxStepBytes);
        return reading.IsCompletedSuccessfully ? WriteAsync(reading.Result) : WriteLaterAsync(reading);
    }

    /// <summary>Writes what was read; when that is nothing, waits for more.</summary>
    private ValueTask WriteAsync(IReadOnlyList<Reading> readings)
    {
        // After the read has parked it: what is revoked from now on signals it.
        if (Subscriber.IsRevoked) Subscriber.Signal(WakeReason.Revoked);
        if (Subscriber.IsKicked) Subscriber.Signal(WakeReason.Kicked);
        for (var i = 0; i < readings.Count; i++)
        {
            var (channelIndex, notice, batch) = readings[i];
            if (notice is not null) Write(channelIndex, notice, i == readings.Count - 1);
            else Write(channelIndex, batch, i == readings.Count - 1);
        }

        if (Subscriber.IsLive && readings.Count > 0) Hub.Lagged(Subscriber.Transport, readings);
        var left = Subscriber.TimeLeft;
        if (left <= TimeSpan.Zero) Subscriber.Signal(WakeReason.Expired);
        if (WriteReplies() || WriteTicket() || readings.Count > 0) return FlushAsync();
        if (Subscriber.Ended is not null) return ValueTask.CompletedTask;
        var silence = Hub.Time.GetElapsedTime(_wroteAt);
        if (silence < Hub.Options.Stream.Heartbeat)
        {
            var wait = Hub.Options.Stream.Heartbeat - silence;
            return Subscriber.WaitAsync(left < wait ? left : wait);
        }

        if (!TryHeartbeat()) request.Abort();
        return FlushAsync();
    }

    /// <summary>The store has to be asked.</summary>
    private async ValueTask WriteLaterAsync(ValueTask<IReadOnlyList<Reading>> reading)
    {
        IReadOnlyList<Reading> readings;
        try
        {
            readings = await reading;
        }
        catch (StoreUnavailableException)
        {
            // The stream stays: it goes on from its cursor when the store is back.
            await Subscriber.WaitAsync(StoreRetry);
            return;
        }

        await WriteAsync(readings);
    }

    private async ValueTask FlushAsync()
    {
        _wroteAt = Hub.Time.GetTimestamp();
        var flush = Output.FlushAsync();
        if (flush.IsCompletedSuccessfully) await flush;
        else await TakenAsync(flush.AsTask());
    }

    /// <summary>Waits until the client has taken something, for as long as it may.</summary>
    private async ValueTask TakenAsync(Task flushing)
    {
        _flushing = null;
        var stall = new Stall(this);
        Hub.Wheel.Add(stall, Hub.Options.Stream.StallTimeout);
        try
        {
            await flushing;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Perhaps in the middle of something: nothing may follow it.
            Cut();
        }
        finally
        {
            Hub.Wheel.Remove(stall);
        }
    }

    private void Cut()
    {
        Subscriber.Signal(WakeReason.Gone);
        request.Abort();
    }

    /// <summary>A write that waits for the client to take something.</summary>
    private sealed class Stall(StreamLoop feed) : TimingWheel.Entry
    {
        protected internal override void OnDue()
        {
            feed.Hub.Metrics.Stalled(feed.Subscriber.Transport);
            feed.Cut();
        }
    }
}
