using System.Globalization;
using CComet.Web.Hub;
using CComet.Web.Transports;

namespace CComet.Web.Endpoints;

/// <summary><c>/sub</c>: the long poll.</summary>
internal static class SubEndpoint
{
    /// <summary>Adds the verb to the routes.</summary>
    public static void MapSub(this IEndpointRouteBuilder routes, Verb verb, ChannelHub hub) =>
        routes.MapMethods("/sub", [HttpMethods.Get], verb.Of(
            (context, parameters, callback) => PollAsync(context, parameters[0], callback, hub),
            holdsBackErrors: true));

    private static async Task PollAsync(HttpContext context, Parameters parameters, string? callback, ChannelHub hub)
    {
        if (callback is null && StreamEndpoints.WantsEventStream(context.Request))
        {
            await StreamEndpoints.StreamEventsAsync(context, parameters, hub);
            return;
        }

        var asked = SubscribeParameters.Read(parameters);
        var wait = SubscribeParameters.ReadWait(parameters, hub.Options.Poll.Timeout);
        using var subscriber = await hub.SubscribeAsync(asked.Starts, asked.Sname);
        await using var registration = context.RequestAborted.UnsafeRegister(static s => ((Subscriber)s!).Signal(Wake.Gone), subscriber);

        // JSONP has no headers: who begins without a place is told it at once, so that it is not lost with the first answer.
        if (callback is not null && asked.Starts.Any(s => s.From.Seqid is null))
        {
            await subscriber.BeginAsync();
            await Answers.WriteArrayAsync(context, callback, [.. subscriber.Places.Select(place => (ReadOnlyMemory<byte>)place.Json)]);
            return;
        }

        var answer = await LongPoll.AwaitAsync(subscriber, wait);
        if (answer.Wake == Wake.Gone) return;
        var elements = LongPoll.Elements(answer.Readings);
        if (answer.Wake == Wake.Draining) context.Response.Headers[Answers.RetryHeader] = ((long)hub.ReconnectDelay().TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        context.Response.Headers[Answers.CursorHeader] = subscriber.CursorText;
        if (answer.Wake == Wake.Replaced)
        {
            if (callback is not null) await hub.Wheel.DelayAsync(Verb.HoldBack, context.RequestAborted);
            else context.Response.StatusCode = StatusCodes.Status409Conflict;
            elements.Add(Replacement.Json(subscriber));
        }

        await Answers.WriteArrayAsync(context, callback, elements);
    }
}
