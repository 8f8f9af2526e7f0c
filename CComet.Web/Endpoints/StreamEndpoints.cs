using System.IO.Pipelines;
using System.Net.Sockets;
using CComet.Web.Hub;
using CComet.Web.Transports;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace CComet.Web.Endpoints;

/// <summary><c>/sse</c> and <c>/stream</c>: answers that do not end.</summary>
internal static class StreamEndpoints
{
    private const string EventStreamType = "text/event-stream";

    /// <summary><c>/sse</c>.</summary>
    public static RequestDelegate OfEvents(Verb verb, ChannelHub hub) => verb.Of((context, parameters, _) => StreamEventsAsync(context, parameters[0], hub));

    /// <summary><c>/stream</c>.</summary>
    public static RequestDelegate OfLines(Verb verb, ChannelHub hub) => verb.Of((context, parameters, _) =>
        StreamAsync(context, parameters[0], hub, NdJson.ContentType, static (output, socket, subscriber, hub, request) => new NdJson(output, socket, subscriber, hub, request)));

    /// <summary>Whether the request names the type of server-sent events in its Accept header.</summary>
    public static bool WantsEventStream(HttpRequest request) =>
        request.GetTypedHeaders().Accept.Any(type => type.MediaType.Equals(EventStreamType, StringComparison.OrdinalIgnoreCase) && type.Quality is not 0);

    /// <summary>Answers with server-sent events.</summary>
    public static Task StreamEventsAsync(HttpContext context, Parameters parameters, ChannelHub hub) =>
        StreamAsync(context, parameters, hub, EventStream.ContentType, static (output, socket, subscriber, hub, request) => new EventStream(output, socket, subscriber, hub, request));

    private static Task StreamAsync(HttpContext context, Parameters parameters, ChannelHub hub, string contentType, FeedFactory feed)
    {
        // What was read of the request is not held as long as the stream lasts, nor is the method that read it.
        var asked = SubscribeParameters.Read(parameters, context.Request.Headers["Last-Event-ID"]);
        var beginning = BeginAsync(asked, hub);
        return beginning.IsCompletedSuccessfully
            ? RunAsync(context, beginning.Result, hub, contentType, feed)
            : RunLaterAsync(context, beginning, hub, contentType, feed);
    }

    private static async ValueTask<Subscriber> BeginAsync(SubscribeParameters asked, ChannelHub hub)
    {
        var subscriber = await hub.SubscribeAsync(asked.Starts, asked.Sname);
        try
        {
            await subscriber.BeginAsync();
            return subscriber;
        }
        catch
        {
            subscriber.Dispose();
            throw;
        }
    }

    /// <summary>The channel has to be opened first.</summary>
    private static async Task RunLaterAsync(HttpContext context, ValueTask<Subscriber> beginning, ChannelHub hub, string contentType, FeedFactory feed) =>
        await RunAsync(context, await beginning, hub, contentType, feed);

    private static Task RunAsync(HttpContext context, Subscriber subscriber, ChannelHub hub, string contentType, FeedFactory feed)
    {
        var response = context.Response;
        response.ContentType = contentType;

        // no-transform and X-Accel-Buffering keep proxies from collecting what must go out at once.
        response.Headers.CacheControl = "no-cache, no-transform";
        response.Headers["X-Accel-Buffering"] = "no";
        response.Headers.XContentTypeOptions = "nosniff";

        // How slow a stream's reader may be is for the feed to judge, which knows a silent channel from a stalled client.
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate) rate.MinDataRate = null;
        return feed(response.BodyWriter, PlainSocket.Of(context), subscriber, hub, context.Features.GetRequiredFeature<IHttpRequestLifetimeFeature>())
            .RunAsync(ClientGone.Tell(context, subscriber));
    }

    private delegate Feed FeedFactory(PipeWriter output, Socket? socket, Subscriber subscriber, ChannelHub hub, IHttpRequestLifetimeFeature request);
}
