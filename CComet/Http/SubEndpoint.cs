using System.Globalization;
using CComet.Channels;
using CComet.Dialects.Native;
using CComet.Http.Requests;
using CComet.Kestrel;
using CComet.Messages;
using CComet.Operations;
using CComet.Subscriptions;
using CComet.Transports;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace CComet.Http;

/// <summary><c>/sub</c>: the long poll.</summary>
internal static class SubEndpoint
{
    /// <summary>The verb.</summary>
    public static RequestDelegate Of(RequestPipeline verb, ChannelOperations operations)
    {
        var usual = new Terms(verb, null, operations.Context.Options.Poll.Timeout);
        return verb.OfWaiting((context, parameters, callback, began) =>
        {
            if (callback is null && StreamEndpoints.WantsEventStream(context.Request))
                return StreamEndpoints.StreamEventsAsync(context, parameters, callback, began, verb, operations);

            // What was read of the request is not held while the poll waits: only what these arguments say.
            var asked = SubscribeParameters.Read(parameters);
            var wait = SubscribeParameters.ReadWait(parameters, usual.Wait);
            var terms = callback is null && wait == usual.Wait ? usual : new Terms(verb, callback, wait);
            var wantsPlace = callback is not null && asked.Starts.Any(s => s.From.Seqid is null);
            var subscribing = operations.SubscribeAsync(context.CallerOf(), asked.Starts, asked.Sname);
            return subscribing.IsCompletedSuccessfully && !wantsPlace && asked.Starts.Count == 1
                ? PollAsync(context, subscribing.Result, began, terms)
                : BeginAsync(context, subscribing, began, terms, wantsPlace);
        }, holdsBackErrors: true);
    }

    /// <summary>The channel has to be opened first, or the place in each of several to be found, or told.</summary>
    private static async Task BeginAsync(HttpContext context, ValueTask<Subscriber> subscribing, long began, Terms terms, bool wantsPlace)
    {
        Subscriber subscriber;
        try
        {
            subscriber = await subscribing;
            if (wantsPlace)
            {
                // JSONP has no headers: who begins without a place is told it at once, so that it is not lost with the first answer.
                using var left = subscriber;
                await subscriber.BeginAsync();
                await ResponseWriter.WriteArrayAsync(context, terms.Callback, [.. subscriber.CursorNotices.Select(place => (ReadOnlyMemory<byte>)NoticeJson.Encode(place))]);
                terms.RequestPipeline.Ended(context, began);
                return;
            }

            // One answer may be too short for all channels: where it stands in the others must be known to its cursor.
            if (subscriber.Channels > 1) await PlaceAsync(subscriber);
        }
        catch (Exception e)
        {
            await terms.RequestPipeline.FailAsync(context, e, terms.Callback, began, holdsBackErrors: true);
            return;
        }

        await PollAsync(context, subscriber, began, terms);
    }

    private static async ValueTask PlaceAsync(Subscriber subscriber)
    {
        try
        {
            await subscriber.BeginAsync();
        }
        catch
        {
            subscriber.Dispose();
            throw;
        }
    }

    /// <summary>The one thing that waits as long as the poll does, and so holds little.</summary>
    private static async Task PollAsync(HttpContext context, Subscriber subscriber, long began, Terms terms)
    {
        Exception? failure = null;
        try
        {
            using var registration = ClientGone.Tell(context, subscriber);
            while (!subscriber.HasLeft) await StepAsync(context, subscriber, terms);
        }
        catch (Exception e)
        {
            failure = e;
        }

        if (failure is null)
        {
            terms.RequestPipeline.Ended(context, began);
            return;
        }

        subscriber.Dispose();

        // A ValueTask, as the loop awaits one: another kind of awaiter would take a field of its own in every parked state machine.
        await new ValueTask(terms.RequestPipeline.FailAsync(context, failure, terms.Callback, began, holdsBackErrors: true));
    }

    /// <summary>One turn of the poll. None of it is left while the poll waits: what it awaits is handed to the poll itself.</summary>
    private static ValueTask StepAsync(HttpContext context, Subscriber subscriber, Terms terms)
    {
        if (subscriber.Woken is { } wake and not WakeReason.Messages) return EndAsync(context, subscriber, [], wake, terms);
        var reading = subscriber.ReadAsync(park: terms.Wait > TimeSpan.Zero);
        return reading.IsCompletedSuccessfully
            ? EndOrWaitAsync(context, subscriber, reading.Result, terms)
            : EndOrWaitLaterAsync(context, subscriber, reading, terms);
    }

    /// <summary>The store has to be asked.</summary>
    private static async ValueTask EndOrWaitLaterAsync(HttpContext context, Subscriber subscriber, ValueTask<IReadOnlyList<Reading>> reading, Terms terms) =>
        await EndOrWaitAsync(context, subscriber, await reading, terms);

    private static ValueTask EndOrWaitAsync(HttpContext context, Subscriber subscriber, IReadOnlyList<Reading> readings, Terms terms)
    {
        if (readings.Count > 0 || terms.Wait <= TimeSpan.Zero) return EndAsync(context, subscriber, readings, WakeReason.Messages, terms);
        WaitingRequest.Lighten(context.Request);
        return subscriber.WaitAsync(terms.Wait);
    }

    /// <summary>Answers the client, if it is still there. Until it has taken the answer its subscriber is one.</summary>
    private static async ValueTask EndAsync(HttpContext context, Subscriber subscriber, IReadOnlyList<Reading> readings, WakeReason wake, Terms terms)
    {
        if (wake != WakeReason.Gone) await AnswerAsync(context, subscriber, readings, wake, terms);
        subscriber.Dispose();
    }

    private static Task AnswerAsync(HttpContext context, Subscriber subscriber, IReadOnlyList<Reading> readings, WakeReason wake, Terms terms)
    {
        DrainNotice.Announce(context, subscriber.Hub);
        if (terms.Callback is not null || LongPoll.Shared(subscriber, readings) is not { } shared) return AnswerThisOneAsync(context, subscriber, readings, wake, terms);
        context.Response.Headers[ResponseWriter.CursorHeader] = shared.Cursor;
        return ResponseWriter.WriteArrayAsync(context.Response, shared.Array);
    }

    private static async Task AnswerThisOneAsync(HttpContext context, Subscriber subscriber, IReadOnlyList<Reading> readings, WakeReason wake, Terms terms)
    {
        var elements = LongPoll.Elements(readings);
        if (wake == WakeReason.Draining) context.Response.Headers[ResponseWriter.RetryHeader] = ((long)subscriber.Hub.ReconnectDelay().TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        context.Response.Headers[ResponseWriter.CursorHeader] = subscriber.CursorText;
        if (wake == WakeReason.Replaced)
        {
            if (terms.Callback is not null) await terms.RequestPipeline.HoldBackAsync(context);
            else context.Response.StatusCode = StatusCodes.Status409Conflict;
            elements.Add(Replacement.Json(subscriber));
        }

        await ResponseWriter.WriteArrayAsync(context, terms.Callback, elements);
    }

    /// <summary>How a poll is to be answered, and after which time at the latest. All who ask for nothing of their own share one.</summary>
    private sealed record Terms(RequestPipeline RequestPipeline, string? Callback, TimeSpan Wait);
}
