using System.Globalization;
using CComet.Web.Hub;
using CComet.Web.Transports;

namespace CComet.Web.Endpoints;

/// <summary><c>/sub</c>: the long poll.</summary>
internal static class SubEndpoint
{
    /// <summary>The verb.</summary>
    public static RequestDelegate Of(Verb verb, ChannelHub hub) => verb.OfWaiting((context, parameters, callback, began) =>
    {
        if (callback is null && StreamEndpoints.WantsEventStream(context.Request))
            return StreamEndpoints.StreamEventsAsync(context, parameters, callback, began, verb, hub);

        // What was read of the request is not held while the poll waits: only what these arguments say.
        var asked = SubscribeParameters.Read(parameters);
        var wait = SubscribeParameters.ReadWait(parameters, hub.Options.Poll.Timeout);
        var wantsPlace = callback is not null && asked.Starts.Any(s => s.From.Seqid is null);
        var subscribing = hub.SubscribeAsync(asked.Starts, asked.Sname);
        return subscribing.IsCompletedSuccessfully && !wantsPlace
            ? PollAsync(context, subscribing.Result, wait, callback, began, verb)
            : BeginAsync(context, subscribing, wait, wantsPlace, callback, began, verb);
    }, holdsBackErrors: true);

    /// <summary>The channel has to be opened first, or the place to be told.</summary>
    private static async Task BeginAsync(HttpContext context, ValueTask<Subscriber> subscribing, TimeSpan wait, bool wantsPlace, string? callback, long began, Verb verb)
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
                await Answers.WriteArrayAsync(context, callback, [.. subscriber.Places.Select(place => (ReadOnlyMemory<byte>)place.Json)]);
                verb.Ended(context, began);
                return;
            }
        }
        catch (Exception e)
        {
            await verb.FailAsync(context, e, callback, began, holdsBackErrors: true);
            return;
        }

        await PollAsync(context, subscriber, wait, callback, began, verb);
    }

    /// <summary>The one thing that waits as long as the poll does, and so holds little.</summary>
    private static async Task PollAsync(HttpContext context, Subscriber subscriber, TimeSpan wait, string? callback, long began, Verb verb)
    {
        try
        {
            try
            {
                using var registration = ClientGone.Tell(context, subscriber);
                var readings = await subscriber.ReadAsync(park: wait > TimeSpan.Zero);
                var wake = Wake.Messages;
                while (readings.Count == 0 && wait > TimeSpan.Zero && (wake = await subscriber.WaitAsync(wait)) == Wake.Messages)
                    readings = await subscriber.ReadAsync(park: true);

                if (wake != Wake.Gone) await AnswerAsync(context, subscriber, readings, wake, callback, verb);
            }
            finally
            {
                subscriber.Dispose();
            }
        }
        catch (Exception e)
        {
            await verb.FailAsync(context, e, callback, began, holdsBackErrors: true);
            return;
        }

        verb.Ended(context, began);
    }

    private static Task AnswerAsync(HttpContext context, Subscriber subscriber, IReadOnlyList<Reading> readings, Wake wake, string? callback, Verb verb)
    {
        if (callback is not null || LongPoll.Shared(subscriber, readings) is not { } shared) return AnswerThisOneAsync(context, subscriber, readings, wake, callback, verb);
        context.Response.Headers[Answers.CursorHeader] = shared.Cursor;
        return Answers.WriteArrayAsync(context.Response, shared.Array);
    }

    private static async Task AnswerThisOneAsync(HttpContext context, Subscriber subscriber, IReadOnlyList<Reading> readings, Wake wake, string? callback, Verb verb)
    {
        var elements = LongPoll.Elements(readings);
        if (wake == Wake.Draining) context.Response.Headers[Answers.RetryHeader] = ((long)subscriber.Hub.ReconnectDelay().TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        context.Response.Headers[Answers.CursorHeader] = subscriber.CursorText;
        if (wake == Wake.Replaced)
        {
            if (callback is not null) await verb.HoldBackAsync(context);
            else context.Response.StatusCode = StatusCodes.Status409Conflict;
            elements.Add(Replacement.Json(subscriber));
        }

        await Answers.WriteArrayAsync(context, callback, elements);
    }
}
