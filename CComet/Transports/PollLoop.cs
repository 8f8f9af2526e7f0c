using CComet.Channels;
using CComet.Messages;
using CComet.Subscriptions;

namespace CComet.Transports;

/// <summary>One long poll: reads the log, waits while there is nothing, answers.</summary>
/// <remarks>
/// <see cref="RunAsync"/> is the one method whose state machine lives as long as the poll is parked. It hands each turn to a method that
/// does not wait, and awaits one kind of awaiter, as each kind takes a field of its own in the state machine.
/// </remarks>
internal static class PollLoop
{
    /// <summary>How long a poll waits whose grant has no time left: its client may ask again at once.</summary>
    private static readonly TimeSpan MinWait = TimeSpan.FromSeconds(1);

    /// <summary>Runs until the request has been answered or its client has gone. Then the subscriber is disposed of, and the request ended.</summary>
    /// <param name="request">The request.</param>
    /// <param name="subscriber">Its subscriber; of several channels it has begun.</param>
    public static async Task RunAsync(IPollRequest request, Subscriber subscriber)
    {
        Exception? failure = null;
        try
        {
            while (!subscriber.HasLeft) await StepAsync(request, subscriber);
        }
        catch (Exception e)
        {
            failure = e;
            subscriber.Dispose();
        }

        await request.EndAsync(failure);
    }

    /// <summary>How long a poll waits that may wait so long by its request, and so long by its grant.</summary>
    public static TimeSpan Bound(TimeSpan wait, TimeSpan left)
    {
        if (wait <= MinWait || left >= wait) return wait;
        return left > MinWait ? left : MinWait;
    }

    private static ValueTask StepAsync(IPollRequest request, Subscriber subscriber)
    {
        if (subscriber.Woken is { } wake and not WakeReason.Messages) return AnswerAsync(request, subscriber, [], wake);
        var reading = subscriber.ReadAsync(park: request.Wait > TimeSpan.Zero);
        return reading.IsCompletedSuccessfully
            ? AnswerOrWaitAsync(request, subscriber, reading.Result)
            : AnswerOrWaitLaterAsync(request, subscriber, reading);
    }

    /// <summary>The store has to be read first.</summary>
    private static async ValueTask AnswerOrWaitLaterAsync(IPollRequest request, Subscriber subscriber, ValueTask<IReadOnlyList<Reading>> reading) =>
        await AnswerOrWaitAsync(request, subscriber, await reading);

    private static ValueTask AnswerOrWaitAsync(IPollRequest request, Subscriber subscriber, IReadOnlyList<Reading> readings)
    {
        if (readings.Count > 0)
        {
            // What is not told is passed over; only a read that finds nothing parks.
            return request.Tells(readings) ? AnswerAsync(request, subscriber, readings, WakeReason.Messages) : ValueTask.CompletedTask;
        }

        var wait = request.Wait;
        if (wait <= TimeSpan.Zero) return AnswerAsync(request, subscriber, readings, WakeReason.Timeout);
        request.Park();

        // After the read has parked it: what is revoked from now on signals it.
        if (subscriber.IsRevoked) subscriber.Signal(WakeReason.Revoked);
        if (subscriber.IsKicked) subscriber.Signal(WakeReason.Kicked);
        return subscriber.WaitAsync(Bound(wait, subscriber.TimeLeft));
    }

    /// <summary>Answers the client, if it is still there. The subscriber counts as one until its answer has been taken.</summary>
    private static async ValueTask AnswerAsync(IPollRequest request, Subscriber subscriber, IReadOnlyList<Reading> readings, WakeReason wake)
    {
        if (subscriber.IsLive && readings.Count > 0) subscriber.Hub.Lagged(subscriber.Transport, readings);
        if (wake != WakeReason.Gone) await request.AnswerAsync(readings, wake);
        subscriber.Dispose();
    }
}
