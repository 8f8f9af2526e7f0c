using CComet.Web.Hub;

namespace CComet.Web.Endpoints;

/// <summary><c>/sign</c>: tells a channel that somebody has come, and gives him its history.</summary>
internal static class SignEndpoint
{
    /// <summary>Adds the verb to the routes.</summary>
    public static void MapSign(this IEndpointRouteBuilder routes, Verb verb, ChannelHub hub) =>
        routes.MapMethods("/sign", [HttpMethods.Get, HttpMethods.Post], verb.Of(async (context, parameters, callback) =>
        {
            var channel = parameters[0].RequiredName("channel");
            var (history, cursor) = await hub.SignAsync(channel, parameters[0].OptionalName("sname"), context.RequestAborted);
            context.Response.Headers[Answers.CursorHeader] = cursor.ToString();
            await Answers.WriteArrayAsync(context, callback, [.. history.Select(m => (ReadOnlyMemory<byte>)m.Json)]);
        }));
}
