using System.IO.Pipelines;
using System.Net.Sockets;
using CComet.Access;
using CComet.Dialects.Native;
using CComet.Http.Requests;
using CComet.Operations;
using CComet.Subscriptions;
using CComet.Transports;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace CComet.Http;

/// <summary><c>/sse</c> and <c>/stream</c>: answers that do not end.</summary>
internal static class StreamEndpoints
{
    private const string EventStreamType = "text/event-stream";

    /// <summary>Creates the endpoint <c>/sse</c>.</summary>
    public static RequestDelegate CreateEvents(RequestPipeline pipeline, ChannelOperations operations) => pipeline.CreateWaiting((context, caller, parameters, callback, began) =>
        StreamEventsAsync(context, caller, parameters, callback, began, pipeline, operations), EventForm.Native);

    /// <summary>Creates the endpoint <c>/stream</c>.</summary>
    public static RequestDelegate CreateLines(RequestPipeline pipeline, ChannelOperations operations) => pipeline.CreateWaiting((context, caller, parameters, callback, began) =>
        StreamAsync(context, caller with { Transport = Transport.Stream }, parameters, callback, began, pipeline, operations, NdJson.ContentType, static (output, socket, subscriber, request) => new NdJson(output, socket, subscriber, request, NativeEncoder.Forms), RequestForm.Native), RequestForm.Native);

    /// <summary>Whether the request names the type of server-sent events in its Accept header.</summary>
    public static bool WantsEventStream(HttpRequest request) =>
        request.GetTypedHeaders().Accept.Any(type => type.MediaType.Equals(EventStreamType, StringComparison.OrdinalIgnoreCase) && type.Quality is not 0);

    /// <summary>Sets the head of an answer that does not end, and drops what its request does not need any more.</summary>
    public static void BeginStream(HttpContext context, string contentType, RequestPipeline pipeline)
    {
        var response = context.Response;
        response.ContentType = contentType;

        // no-transform and X-Accel-Buffering keep proxies from collecting what must go out at once.
        response.Headers.CacheControl = "no-cache, no-transform";
        response.Headers["X-Accel-Buffering"] = "no";
        response.Headers.XContentTypeOptions = "nosniff";

        // How slow a stream's reader may be is for the feed to judge, which knows a silent channel from a stalled client.
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate) rate.MinDataRate = null;
        pipeline.Tuning.Lighten(context.Request);
    }

    /// <summary>Answers with server-sent events.</summary>
    public static Task StreamEventsAsync(HttpContext context, CallerContext caller, Parameters parameters, string? callback, long began, RequestPipeline pipeline, ChannelOperations operations) =>
        StreamAsync(context, caller with { Transport = Transport.Sse }, parameters, callback, began, pipeline, operations, EventStream.ContentType, static (output, socket, subscriber, request) => new EventStream(output, socket, subscriber, request, NativeEncoder.Forms), EventForm.Native);

    private static Task StreamAsync(HttpContext context, CallerContext caller, Parameters parameters, string? callback, long began, RequestPipeline pipeline, ChannelOperations operations, string contentType, StreamFactory feed, RequestForm form)
    {
        // What was read of the request is not held as long as the stream lasts, nor is the method that read it.
        var asked = SubscribeParameters.Read(parameters, context.Request.Headers["Last-Event-ID"]);
        var beginning = BeginAsync(caller, asked, operations);
        return beginning.IsCompletedSuccessfully
            ? RunAsync(context, beginning.Result, began, pipeline, contentType, feed)
            : RunLaterAsync(context, beginning, callback, began, pipeline, contentType, feed, form);
    }

    private static async ValueTask<Subscriber> BeginAsync(CallerContext caller, SubscribeParameters asked, ChannelOperations operations)
    {
        var subscriber = await operations.SubscribeAsync(caller, asked.Starts, asked.Sname);
        await subscriber.BeginOrLeaveAsync();
        return subscriber;
    }

    /// <summary>The channel has to be opened first.</summary>
    private static async Task RunLaterAsync(HttpContext context, ValueTask<Subscriber> beginning, string? callback, long began, RequestPipeline pipeline, string contentType, StreamFactory feed, RequestForm form)
    {
        Subscriber subscriber;
        try
        {
            subscriber = await beginning;
        }
        catch (Exception e)
        {
            await pipeline.FailAsync(context, e, callback, began, form);
            return;
        }

        await RunAsync(context, subscriber, began, pipeline, contentType, feed);
    }

    private static Task RunAsync(HttpContext context, Subscriber subscriber, long began, RequestPipeline pipeline, string contentType, StreamFactory feed)
    {
        BeginStream(context, contentType, pipeline);
        return feed(context.Response.BodyWriter, pipeline.Tuning.SocketOf(context), subscriber, new StreamRequest(pipeline, context, began, subscriber)).RunAsync();
    }

    private delegate StreamLoop StreamFactory(PipeWriter output, Socket? socket, Subscriber subscriber, IStreamRequest request);
}
