using CComet.Dialects.Native;
using CComet.Http.Requests;
using CComet.Messages;
using CComet.Operations;
using CComet.Subscriptions;
using Microsoft.AspNetCore.Http;

namespace CComet.Http.Ccomet2014;

/// <summary><c>/subscribe</c>: the long poll of the page of 2014.</summary>
/// <remarks>
/// An empty array, an error, or a notice ends that page for good. So a poll for which there is nothing to tell stays silent until its time
/// is over, and one for which there is no place or no store at the moment tries again meanwhile.
/// </remarks>
internal static class SubscribeEndpoint
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    /// <summary>Creates the endpoint.</summary>
    public static RequestDelegate Create(RequestPipeline pipeline, ChannelOperations operations) => pipeline.CreateWaiting(
        (context, caller, parameters, callback, began) =>
        {
            var asked = SubscribeParameters.Read(parameters);
            if (asked.Starts.Count > 1) throw WireException.Bad("channel", "is given more than once.");
            var wait = SubscribeParameters.ReadWait(parameters, operations.Context.Options.Poll.Timeout);
            return StartAsync(new PollRequest2014(pipeline, operations, context, caller, callback, began, asked.Starts[0], asked.Sname, wait), asked.Starts[0]);
        },
        RequestForm2014.Poll);

    /// <summary>Polls, once the channel is open.</summary>
    /// <param name="request">The request.</param>
    /// <param name="start">The channel and the cursor.</param>
    public static Task StartAsync(PollRequest2014 request, ChannelStart start)
    {
        var beginning = BeginAsync(request, start);
        return beginning.IsCompletedSuccessfully ? request.PollAsync(beginning.Result) : StartLaterAsync(request, beginning);
    }

    /// <summary>Waits for a moment, and starts again.</summary>
    public static async Task RetryAsync(PollRequest2014 request, ChannelStart start)
    {
        await request.DelayAsync(RetryInterval);
        await StartAsync(request, start);
    }

    private static async Task StartLaterAsync(PollRequest2014 request, ValueTask<Subscriber> beginning)
    {
        Subscriber subscriber;
        try
        {
            subscriber = await beginning;
        }
        catch (Exception e)
        {
            await request.EndAsync(e);
            return;
        }

        await request.PollAsync(subscriber);
    }

    /// <summary>Subscribes. A seqid beyond the end is one of an earlier log: everything kept is wanted.</summary>
    private static async ValueTask<Subscriber> BeginAsync(PollRequest2014 request, ChannelStart start)
    {
        var subscriber = await request.SubscribeAsync(start);
        try
        {
            await subscriber.BeginOrLeaveAsync();
            return subscriber;
        }
        catch (SeqidBeyondEndException)
        {
            subscriber = await request.SubscribeAsync(start with { From = new Cursor(null, 0) });
            await subscriber.BeginOrLeaveAsync();
            return subscriber;
        }
    }
}
