using CComet.Dialects.Native;
using CComet.Http.Requests;
using CComet.Operations;
using CComet.Subscriptions;
using CComet.Transports;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary><c>/sub</c>: the long poll; a stream of server-sent events when the Accept header asks for one.</summary>
internal static class SubEndpoint
{
    /// <summary>Creates the endpoint.</summary>
    public static RequestDelegate Create(RequestPipeline pipeline, ChannelOperations operations) => pipeline.CreateWaiting(
        (context, caller, parameters, callback, began) =>
        {
            if (callback is null && StreamEndpoints.WantsEventStream(context.Request))
                return StreamEndpoints.StreamEventsAsync(context, caller, parameters, callback, began, pipeline, operations);

            // What was read of the request is not held while the poll waits: only what these arguments say.
            var asked = SubscribeParameters.Read(parameters);
            var wait = SubscribeParameters.ReadWait(parameters, operations.Context.Options.Poll.Timeout);
            var wantsCursor = callback is not null && asked.Starts.Any(s => s.From.Seqid is null);
            var subscribing = operations.SubscribeAsync(caller, asked.Starts, asked.Sname);
            return subscribing.IsCompletedSuccessfully && !wantsCursor && asked.Starts.Count == 1
                ? PollAsync(pipeline, context, callback, began, subscribing.Result, wait)
                : BeginAsync(pipeline, context, callback, began, subscribing, wait, wantsCursor);
        },
        EventForm.NativePoll);

    private static Task PollAsync(RequestPipeline pipeline, HttpContext context, string? callback, long began, Subscriber subscriber, TimeSpan wait) =>
        PollLoop.RunAsync(new PollRequest(pipeline, context, callback, began, subscriber, wait), subscriber);

    /// <summary>Polls once the channel is open and, for several channels, the cursor in each is known: one answer may be too short for all of them.</summary>
    private static async Task BeginAsync(RequestPipeline pipeline, HttpContext context, string? callback, long began, ValueTask<Subscriber> subscribing, TimeSpan wait, bool wantsCursor)
    {
        Subscriber subscriber;
        try
        {
            subscriber = await subscribing;
            if (wantsCursor)
            {
                // JSONP has no headers: a poll without a cursor is answered at once with the one to begin at, or the first answer's loss would lose messages.
                using var left = subscriber;
                await subscriber.BeginAsync();
                await ResponseWriter.WriteArrayAsync(context.Response, ResponseHead.Array, callback, [.. subscriber.CursorNotices.Select(notice => (ReadOnlyMemory<byte>)NoticeJson.Encode(notice)), .. PollRequest.TicketOf(pipeline, subscriber)]);
                pipeline.Ended(context, began);
                return;
            }

            if (subscriber.Channels > 1) await subscriber.BeginOrLeaveAsync();
        }
        catch (Exception e)
        {
            await pipeline.FailAsync(context, e, callback, began, RequestForm.NativePoll);
            return;
        }

        await PollAsync(pipeline, context, callback, began, subscriber, wait);
    }
}
