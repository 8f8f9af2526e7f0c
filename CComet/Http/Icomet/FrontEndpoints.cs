using System.Globalization;
using System.Text;
using CComet.Access;
using CComet.Dialects.Icomet;
using CComet.Operations;
using CComet.Subscriptions;
using CComet.Transports;
using Microsoft.AspNetCore.Http;

namespace CComet.Http.Icomet;

/// <summary>The side of icomet to which subscribers come.</summary>
/// <param name="pipeline">What all verbs have in common.</param>
/// <param name="operations">Subscribes.</param>
/// <param name="tokens">Checks tokens; null where none is needed.</param>
internal sealed class FrontEndpoints(RequestPipeline pipeline, ChannelOperations operations, ChannelTokens? tokens)
{
    private static readonly byte[] DefaultCallback = "icomet_cb"u8.ToArray();

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
            var answered = IcometAnswer.WriteAsync(context.Response, callback ?? Encoding.ASCII.GetString(DefaultCallback), json);
            pipeline.Ended(context, began);
            return answered;
        },
        IcometForm.Poll);

    /// <summary>How long a poll waits, in seconds, as clients are told it.</summary>
    public static long Timeout(ChannelOperations operations) => Math.Max(1, (long)operations.Context.Options.Poll.Timeout.TotalSeconds);

    private Task PollAsync(HttpContext context, IcometSubscription asked, string? callback, long began)
    {
        var beginning = asked.BeginAsync(context, operations, pipeline.Access, tokens, callback is null ? Transport.Poll : Transport.Jsonp);
        return beginning is { IsCompletedSuccessfully: true, Result: { TellsNext: false, Subscriber: var subscriber } }
            ? RunAsync(context, asked, callback, began, subscriber)
            : PollLaterAsync(context, asked, callback, began, beginning.AsTask());
    }

    private Task RunAsync(HttpContext context, IcometSubscription asked, string? callback, long began, Subscriber subscriber) =>
        PollLoop.RunAsync(new IcometPollRequest(pipeline, context, callback, began, asked, subscriber), subscriber);

    /// <summary>The channel has to be opened first, or the client told where it goes on.</summary>
    private async Task PollLaterAsync(HttpContext context, IcometSubscription asked, string? callback, long began, Task<(Subscriber Subscriber, bool TellsNext)> beginning)
    {
        Subscriber subscriber;
        try
        {
            (subscriber, var tellsNext) = await beginning;
            if (tellsNext)
            {
                using var left = subscriber;
                pipeline.AnnounceDrain(context);
                await IcometAnswer.WriteAsync(context.Response, callback, IcometJson.NextSeq(IcometJson.Quote(asked.Channel), subscriber.At(0).Next));
                pipeline.Ended(context, began);
                return;
            }
        }
        catch (Exception e)
        {
            await pipeline.FailAsync(context, e, callback, began, IcometForm.Poll);
            return;
        }

        await RunAsync(context, asked, callback, began, subscriber);
    }

    private async Task StreamAsync(HttpContext context, IcometSubscription asked, long began, IcometFraming framing, RequestForm form)
    {
        Subscriber subscriber;
        bool tellsNext;
        try
        {
            (subscriber, tellsNext) = await asked.BeginAsync(context, operations, pipeline.Access, tokens, framing == IcometFraming.Events ? Transport.Sse : Transport.Stream);
        }
        catch (Exception e)
        {
            await pipeline.FailAsync(context, e, null, began, form);
            return;
        }

        StreamEndpoints.BeginStream(context, framing.ContentType, pipeline);
        if (tokens is not null) tokens.Hold(asked.Token!);
        var request = new StreamRequest(pipeline, context, began, subscriber);
        try
        {
            await new IcometStream(context.Response.BodyWriter, pipeline.Tuning.SocketOf(context), subscriber, request, framing, asked.Noop, tellsNext).RunAsync();
        }
        finally
        {
            if (tokens is not null) tokens.Release(asked.Token!);
        }
    }
}
