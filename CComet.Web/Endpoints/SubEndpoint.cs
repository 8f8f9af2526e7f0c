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
        var asked = SubscribeParameters.Read(parameters);
        var wait = SubscribeParameters.ReadWait(parameters, hub.Options.Poll.Timeout);
        using var subscriber = await hub.SubscribeAsync(asked.Starts, asked.Sname);
        await using var registration = context.RequestAborted.UnsafeRegister(static s => ((Subscriber)s!).Signal(Wake.Gone), subscriber);

        // JSONP has no headers: who begins without a place is told it at once, so that it is not lost with the first answer.
        var tellPlace = callback is not null && asked.Starts.Any(s => s.From.Seqid is null);
        var answer = await LongPoll.AwaitAsync(subscriber, tellPlace ? TimeSpan.Zero : wait);
        if (answer.Wake == Wake.Gone) return;

        var elements = LongPoll.Elements(answer.Readings);
        if (tellPlace) elements.InsertRange(0, subscriber.Positions.Select(p => (ReadOnlyMemory<byte>)Notice.Cursor(p.Channel, p.Cursor.Epoch!, p.Cursor.Seqid!.Value).Json));
        context.Response.Headers[Answers.CursorHeader] = subscriber.CursorText;
        if (answer.Wake == Wake.Replaced)
        {
            if (callback is not null) await hub.Wheel.DelayAsync(Verb.HoldBack, context.RequestAborted);
            else context.Response.StatusCode = StatusCodes.Status409Conflict;
            elements.Add(ReplacedJson(subscriber));
        }

        await Answers.WriteArrayAsync(context, callback, elements);
    }

    /// <summary>The last words to a subscriber whose name a newer one took; its seqid lets the client of 2014, which counts on from any answer, keep its place.</summary>
    private static byte[] ReplacedJson(Subscriber subscriber) => Answers.Json(json =>
    {
        var (channel, cursor) = subscriber.Positions.First();
        json.WriteString("type", "409");
        json.WriteString("reason", "sname: a newer request of this channel and sname took this one's place.");
        json.WriteString("channel", channel);
        json.WriteString("sname", subscriber.Sname);
        json.WriteNumber("seqid", cursor.Seqid!.Value - 1);
    });
}
