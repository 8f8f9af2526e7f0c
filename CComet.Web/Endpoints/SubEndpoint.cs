using System.Globalization;
using CComet.Web.Hub;
using CComet.Web.Transports;

namespace CComet.Web.Endpoints;

/// <summary><c>/sub</c>: the long poll.</summary>
internal static class SubEndpoint
{
    /// <summary>The verb.</summary>
    public static RequestDelegate Of(Verb verb, ChannelHub hub) => verb.Of(
        (context, parameters, callback) => PollAsync(context, parameters[0], callback, hub),
        holdsBackErrors: true);

    private static Task PollAsync(HttpContext context, Parameters parameters, string? callback, ChannelHub hub)
    {
        if (callback is null && StreamEndpoints.WantsEventStream(context.Request)) return StreamEndpoints.StreamEventsAsync(context, parameters, hub);

        // What was read of the request is not held while the poll waits: only what these arguments say.
        var asked = SubscribeParameters.Read(parameters);
        var wait = SubscribeParameters.ReadWait(parameters, hub.Options.Poll.Timeout);
        var wantsPlace = callback is not null && asked.Starts.Any(s => s.From.Seqid is null);
        var subscribing = hub.SubscribeAsync(asked.Starts, asked.Sname);
        return subscribing.IsCompletedSuccessfully
            ? PollAsync(context, subscribing.Result, wait, wantsPlace, callback, hub)
            : PollLaterAsync(context, subscribing, wait, wantsPlace, callback, hub);
    }

    /// <summary>The channel has to be opened first.</summary>
    private static async Task PollLaterAsync(HttpContext context, ValueTask<Subscriber> subscribing, TimeSpan wait, bool wantsPlace, string? callback, ChannelHub hub) =>
        await PollAsync(context, await subscribing, wait, wantsPlace, callback, hub);

    private static async Task PollAsync(HttpContext context, Subscriber subscriber, TimeSpan wait, bool wantsPlace, string? callback, ChannelHub hub)
    {
        using var left = subscriber;
        using var registration = ClientGone.Tell(context, subscriber);

        // JSONP has no headers: who begins without a place is told it at once, so that it is not lost with the first answer.
        if (wantsPlace)
        {
            await subscriber.BeginAsync();
            await Answers.WriteArrayAsync(context, callback, [.. subscriber.Places.Select(place => (ReadOnlyMemory<byte>)place.Json)]);
            return;
        }

        // Here, not in a method of its own: what waits in two places holds twice as much.
        var readings = await subscriber.ReadAsync(park: wait > TimeSpan.Zero);
        var wake = Wake.Messages;
        while (readings.Count == 0 && wait > TimeSpan.Zero && (wake = await subscriber.WaitAsync(wait)) == Wake.Messages)
            readings = await subscriber.ReadAsync(park: true);
        if (wake != Wake.Gone) await AnswerAsync(context, subscriber, readings, wake, callback, hub);
    }

    private static async Task AnswerAsync(HttpContext context, Subscriber subscriber, IReadOnlyList<Reading> readings, Wake wake, string? callback, ChannelHub hub)
    {
        var elements = LongPoll.Elements(readings);
        if (wake == Wake.Draining) context.Response.Headers[Answers.RetryHeader] = ((long)hub.ReconnectDelay().TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        context.Response.Headers[Answers.CursorHeader] = subscriber.CursorText;
        if (wake == Wake.Replaced)
        {
            if (callback is not null) await hub.Wheel.DelayAsync(Verb.HoldBack, context.RequestAborted);
            else context.Response.StatusCode = StatusCodes.Status409Conflict;
            elements.Add(Replacement.Json(subscriber));
        }

        await Answers.WriteArrayAsync(context, callback, elements);
    }
}
