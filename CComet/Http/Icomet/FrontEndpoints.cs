using System.Globalization;
using System.Text;
using CComet.Dialects.Icomet;
using CComet.Http.Requests;
using CComet.Operations;
using CComet.Subscriptions;
using Microsoft.AspNetCore.Http;

namespace CComet.Http.Icomet;

/// <summary>The side of icomet to which subscribers come.</summary>
/// <param name="pipeline">What all verbs have in common.</param>
/// <param name="operations">Knows how long a poll waits.</param>
/// <param name="front">Subscribes.</param>
internal sealed class FrontEndpoints(RequestPipeline pipeline, ChannelOperations operations, IcometFront front)
{
    private const string DefaultCallback = "icomet_cb";

    /// <summary>Creates <c>/sub</c> and <c>/poll</c>.</summary>
    public RequestDelegate CreatePoll() => pipeline.CreateWaiting(
        (context, _, parameters, callback, began) => PollAsync(context, IcometSubscription.Read(parameters), callback, began),
        IcometForm.Poll);

    /// <summary>Creates <c>/stream</c>, <c>/sse</c> or <c>/iframe</c>, by the framing.</summary>
    public RequestDelegate CreateStream(IcometFraming framing)
    {
        var form = IcometForm.CreateStream(framing);
        return pipeline.CreateWaiting((context, _, parameters, _, began) => StreamAsync(context, IcometSubscription.Read(parameters), began, framing, form), form);
    }

    /// <summary>Creates <c>/ping</c>.</summary>
    public RequestDelegate CreatePing() => pipeline.CreateWaiting(
        (context, _, _, callback, began) =>
        {
            var json = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"type\":\"ping\",\"sub_timeout\":{Timeout(operations)}}}"));
            var answered = IcometAnswer.WriteAsync(new HttpOutput(context.Response), callback ?? DefaultCallback, json);
            pipeline.Ended(context, began);
            return answered;
        },
        IcometForm.Poll);

    /// <summary>How long a poll waits, in seconds, as clients are told it.</summary>
    public static long Timeout(ChannelOperations operations) => Math.Max(1, (long)operations.Context.Options.Poll.Timeout.TotalSeconds);

    private Task PollAsync(HttpContext context, IcometSubscription asked, string? callback, long began)
    {
        var beginning = BeginAsync(context, asked, framing: null, callback);
        var request = new WaitingHttpRequest(pipeline, context, callback, began);
        if (!beginning.IsCompletedSuccessfully) return PollLaterAsync(request, asked, beginning.AsTask());
        var (subscriber, tellsNext) = beginning.Result;
        return IcometFront.PollAsync(request, asked, subscriber, tellsNext);
    }

    /// <summary>The channel has to be opened first.</summary>
    private static async Task PollLaterAsync(WaitingHttpRequest request, IcometSubscription asked, Task<(Subscriber, bool)> beginning)
    {
        Subscriber subscriber;
        bool tellsNext;
        try
        {
            (subscriber, tellsNext) = await beginning;
        }
        catch (Exception e)
        {
            await request.EndAsync(e, IcometForm.Poll);
            return;
        }

        await IcometFront.PollAsync(request, asked, subscriber, tellsNext);
    }

    private Task StreamAsync(HttpContext context, IcometSubscription asked, long began, IcometFraming framing, RequestForm form)
    {
        var beginning = BeginAsync(context, asked, framing, callback: null);
        if (!beginning.IsCompletedSuccessfully) return StreamLaterAsync(context, asked, began, framing, form, beginning.AsTask());
        var (subscriber, tellsNext) = beginning.Result;
        return RunAsync(context, asked, began, framing, subscriber, tellsNext);
    }

    /// <summary>The same for a stream.</summary>
    private async Task StreamLaterAsync(HttpContext context, IcometSubscription asked, long began, IcometFraming framing, RequestForm form, Task<(Subscriber, bool)> beginning)
    {
        Subscriber subscriber;
        bool tellsNext;
        try
        {
            (subscriber, tellsNext) = await beginning;
        }
        catch (Exception e)
        {
            await pipeline.FailAsync(context, e, null, began, form);
            return;
        }

        await RunAsync(context, asked, began, framing, subscriber, tellsNext);
    }

    private Task RunAsync(HttpContext context, IcometSubscription asked, long began, IcometFraming framing, Subscriber subscriber, bool tellsNext)
    {
        StreamEndpoints.BeginStream(context, framing.ContentType, pipeline);
        var request = new StreamRequest(pipeline, context, began, subscriber);
        return front.StreamAsync(new IcometStream(context.Response.BodyWriter, pipeline.Tuning.SocketOf(context), subscriber, request, framing, asked.Noop, tellsNext), asked);
    }

    private ValueTask<(Subscriber Subscriber, bool TellsNext)> BeginAsync(HttpContext context, IcometSubscription asked, IcometFraming? framing, string? callback) =>
        front.BeginAsync(context.CallerOf() with { Transport = IcometFront.TransportOf(framing, callback) }, asked, context.RequestAborted);
}
