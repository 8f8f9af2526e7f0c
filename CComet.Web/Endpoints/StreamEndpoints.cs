using CComet.Web.Hub;
using CComet.Web.Transports;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace CComet.Web.Endpoints;

/// <summary><c>/sse</c> and <c>/stream</c>: answers that do not end.</summary>
internal static class StreamEndpoints
{
    private const string EventStreamType = "text/event-stream";

    /// <summary>Adds both to the routes.</summary>
    public static void MapStreams(this IEndpointRouteBuilder routes, Verb verb, ChannelHub hub)
    {
        routes.MapMethods("/sse", [HttpMethods.Get], verb.Of((context, parameters, _) => StreamEventsAsync(context, parameters[0], hub)));
        routes.MapMethods("/stream", [HttpMethods.Get], verb.Of((context, parameters, _) =>
            StreamAsync(context, parameters[0], hub, NdJson.ContentType, (output, _) => new NdJson(output))));
    }

    /// <summary>Whether the request names the type of server-sent events in its Accept header.</summary>
    public static bool WantsEventStream(HttpRequest request) =>
        request.GetTypedHeaders().Accept.Any(type => type.MediaType.Equals(EventStreamType, StringComparison.OrdinalIgnoreCase) && type.Quality is not 0);

    /// <summary>Answers with server-sent events.</summary>
    public static Task StreamEventsAsync(HttpContext context, Parameters parameters, ChannelHub hub) =>
        StreamAsync(context, parameters, hub, EventStream.ContentType, (output, subscriber) => new EventStream(output, subscriber));

    private static async Task StreamAsync(HttpContext context, Parameters parameters, ChannelHub hub, string contentType, Func<System.IO.Pipelines.PipeWriter, Subscriber, Feed> feed)
    {
        var asked = SubscribeParameters.Read(parameters, context.Request.Headers["Last-Event-ID"]);
        using var subscriber = await hub.SubscribeAsync(asked.Starts, asked.Sname);
        await using var registration = context.RequestAborted.UnsafeRegister(static s => ((Subscriber)s!).Signal(Wake.Gone), subscriber);
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
