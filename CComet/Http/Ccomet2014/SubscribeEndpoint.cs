using CComet.Dialects.Native;
using CComet.Http.Requests;
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
            var request = new WaitingHttpRequest(pipeline, context, callback, began);
            return StartAsync(new PollRequest2014<WaitingHttpRequest>(request, operations, caller, asked.Starts[0], asked.Sname, wait));
        },
        RequestForm2014.Poll);

    /// <summary>Waits for a moment, and starts again.</summary>
    public static async Task RetryAsync<T>(PollRequest2014<T> request)
        where T : IWaitingRequest
    {
        await request.DelayAsync(RetryInterval);
        await StartAsync(request);
    }

    /// <summary>Polls, once the channel is open.</summary>
    private static Task StartAsync<T>(PollRequest2014<T> request)
        where T : IWaitingRequest
    {
        var beginning = request.BeginAsync();
        return beginning.IsCompletedSuccessfully ? request.PollAsync(beginning.Result) : StartLaterAsync(request, beginning);
    }

    private static async Task StartLaterAsync<T>(PollRequest2014<T> request, ValueTask<Subscriber> beginning)
        where T : IWaitingRequest
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
}
