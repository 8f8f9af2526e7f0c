using System.IO.Pipelines;
using CComet.Web.Hub;

namespace CComet.Web.Transports;

/// <summary>
/// A stream to one subscriber: the one loop that reads the log and writes, for every transport that stays open. What differs
/// between transports is only how things look on the wire, which is what the abstract members say.
/// </summary>
/// <param name="output">The wire.</param>
public abstract class Feed(PipeWriter output)
{
    /// <summary>About how much is read and written before the client must have taken some of it: what a slow one holds in memory.</summary>
    private const int StepBytes = 16 << 10;

    private static readonly TimeSpan StoreRetry = TimeSpan.FromSeconds(1);

    /// <summary>The wire.</summary>
    protected PipeWriter Output { get; } = output;

    /// <summary>Runs until the client has gone or the server ends the stream.</summary>
    /// <param name="subscriber">Whose stream it is; it has begun.</param>
    /// <param name="hub">Its hub.</param>
    /// <param name="abort">Cuts the connection off, for a client that takes nothing.</param>
    public async Task RunAsync(Subscriber subscriber, ChannelHub hub, Action abort)
    {
        Begin(subscriber);
        await FlushAsync(subscriber, hub, abort);
        while (subscriber.Ended is null)
        {
            var wrote = await ReadAsync(subscriber);
            if (WriteReplies() || wrote)
            {
                await FlushAsync(subscriber, hub, abort);
                continue;
            }

            if (await subscriber.WaitAsync(hub.Options.Stream.Heartbeat) != Wake.Timeout) continue;
            if (!TryHeartbeat(subscriber)) abort();
            await FlushAsync(subscriber, hub, abort);
        }

        Finish(subscriber, subscriber.Ended.Value, hub.ReconnectDelay());
        await FlushAsync(subscriber, hub, abort);
    }

    /// <summary>What comes before everything: where the subscriber stands.</summary>
    protected abstract void Begin(Subscriber subscriber);

    /// <summary>A notice to one of the subscriber's channels.</summary>
    protected abstract void Write(int position, Notice notice);

    /// <summary>Messages of one of the subscriber's channels.</summary>
    protected abstract void Write(int position, Batch batch);

    /// <summary>A sign of life; false when the client has given none for too long.</summary>
    protected abstract bool TryHeartbeat(Subscriber subscriber);

    /// <summary>The last words.</summary>
    protected abstract void Finish(Subscriber subscriber, Wake reason, TimeSpan retry);

    /// <summary>Answers to what the client sent on the same connection; false when there are none.</summary>
    protected virtual bool WriteReplies() => false;

    private async ValueTask<bool> ReadAsync(Subscriber subscriber)
    {
        try
        {
            var readings = await subscriber.ReadAsync(park: true, StepBytes);
            foreach (var (position, notice, batch) in readings)
            {
                if (notice is not null) Write(position, notice);
                else Write(position, batch);
            }

            return readings.Count > 0;
        }
        catch (StoreUnavailableException)
        {
            // The stream stays: it goes on from its cursor when the store is back.
            await subscriber.WaitAsync(StoreRetry);
            return false;
        }
    }

    private async ValueTask FlushAsync(Subscriber subscriber, ChannelHub hub, Action abort)
    {
        var flush = Output.FlushAsync();
        if (flush.IsCompletedSuccessfully)
        {
            await flush;
            return;
        }

        var stall = new Stall(subscriber, hub, abort);
        hub.Wheel.Add(stall, hub.Options.Stream.StallTimeout);
        try
        {
            await flush;
        }
        finally
        {
            hub.Wheel.Remove(stall);
        }
    }

    /// <summary>A write that waits for the client to take something.</summary>
    private sealed class Stall(Subscriber subscriber, ChannelHub hub, Action abort) : TimingWheel.Entry
    {
        protected internal override void OnDue()
        {
            hub.Stalled(subscriber);
            subscriber.Signal(Wake.Gone);
            abort();
        }
    }
}
