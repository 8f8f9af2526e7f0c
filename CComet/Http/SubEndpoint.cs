using CComet.Access;
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
            var wantsCursors = PollRequest.WantsCursors(callback, asked.Starts);
            var subscribing = operations.SubscribeAsync(caller with { Transport = callback is null ? Transport.Poll : Transport.Jsonp }, asked.Starts, asked.Sname);
            return subscribing.IsCompletedSuccessfully && !wantsCursors && asked.Starts.Count == 1
                ? PollAsync(pipeline, context, callback, began, subscribing.Result, wait)
                : BeginAsync(pipeline, context, callback, began, subscribing, wait, wantsCursors);
        },
        EventForm.NativePoll);

    private static Task PollAsync(RequestPipeline pipeline, HttpContext context, string? callback, long began, Subscriber subscriber, TimeSpan wait) =>
        PollLoop.RunAsync(new PollRequest<WaitingHttpRequest>(new WaitingHttpRequest(pipeline, context, callback, began), subscriber, wait), subscriber);

    /// <summary>Polls once the channel is open and, for several channels, the cursor in each is known: one answer may be too short for all of them.</summary>
    private static async Task BeginAsync(RequestPipeline pipeline, HttpContext context, string? callback, long began, ValueTask<Subscriber> subscribing, TimeSpan wait, bool wantsCursors)
    {
        Subscriber subscriber;
        try
        {
            subscriber = await subscribing;
            if (wantsCursors)
            {
                using var left = subscriber;
                await subscriber.BeginAsync();
                await PollRequest.WriteCursorsAsync(new HttpOutput(context.Response), callback, pipeline.Access, subscriber);
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
