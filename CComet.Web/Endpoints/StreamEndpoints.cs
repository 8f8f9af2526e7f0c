using System.IO.Pipelines;
using CComet.Web.Hub;
using CComet.Web.Transports;
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
        StreamAsync(context, parameters[0], hub, NdJson.ContentType, static (output, _) => new NdJson(output)));

    /// <summary>Whether the request names the type of server-sent events in its Accept header.</summary>
    public static bool WantsEventStream(HttpRequest request) =>
        request.GetTypedHeaders().Accept.Any(type => type.MediaType.Equals(EventStreamType, StringComparison.OrdinalIgnoreCase) && type.Quality is not 0);

    /// <summary>Answers with server-sent events.</summary>
    public static Task StreamEventsAsync(HttpContext context, Parameters parameters, ChannelHub hub) =>
        StreamAsync(context, parameters, hub, EventStream.ContentType, static (output, subscriber) => new EventStream(output, subscriber));

    private static Task StreamAsync(HttpContext context, Parameters parameters, ChannelHub hub, string contentType, Func<PipeWriter, Subscriber, Feed> feed)
    {
        // What was read of the request is not held as long as the stream lasts.
        var asked = SubscribeParameters.Read(parameters, context.Request.Headers["Last-Event-ID"]);
        return StreamAsync(context, hub.SubscribeAsync(asked.Starts, asked.Sname), hub, contentType, feed);
    }

    private static async Task StreamAsync(HttpContext context, ValueTask<Subscriber> subscribing, ChannelHub hub, string contentType, Func<PipeWriter, Subscriber, Feed> feed)
    {
        using var subscriber = await subscribing;
        using var registration = ClientGone.Tell(context, subscriber);
        await subscriber.BeginAsync();

        var response = context.Response;
        response.ContentType = contentType;

        // no-transform and X-Accel-Buffering keep proxies from collecting what must go out at once.
        response.Headers.CacheControl = "no-cache, no-transform";
        response.Headers["X-Accel-Buffering"] = "no";
        response.Headers.XContentTypeOptions = "nosniff";

        // How slow a stream's reader may be is for the feed to judge, which knows a silent channel from a stalled client.
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate) rate.MinDataRate = null;
        await feed(response.BodyWriter, subscriber).RunAsync(subscriber, hub, context.Abort);
    }
}
