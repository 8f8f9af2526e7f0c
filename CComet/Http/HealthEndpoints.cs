using CComet.Channels;
using CComet.Dialects.Native;
using CComet.Storage;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary>
/// <c>/health/live</c>: the process answers. <c>/health/ready</c>: it may be sent clients; <c>limits</c> names the bounds on the
/// whole server that refused a request within the last minute.
/// </summary>
/// <remarks>
/// A met bound leaves it at 200: the server still serves the clients it has, and a crowd that fills one node would fill the next; were
/// both taken out, no client would be served.
/// </remarks>
internal static class HealthEndpoints
{
    /// <summary>Answers <c>/health/live</c>.</summary>
    public static Task AnswerLiveAsync(HttpContext context) => AnswerAsync(context, "ok", []);

    /// <summary>Creates the endpoint <c>/health/ready</c>.</summary>
    public static RequestDelegate CreateReady(ChannelHub hub, IMessageStore store) => async context =>
    {
        try
        {
            if (hub.IsDraining) throw new DrainingException();
            await store.CheckAsync(context.RequestAborted);
            await AnswerAsync(context, "ready", hub.Context.Limits.Met);
        }
        catch (Exception e) when (WireException.From(e) is { } error)
        {
            await ResponseWriter.WriteErrorAsync(context.Response, null, error);
        }
    };

    private static Task AnswerAsync(HttpContext context, string status, IReadOnlyList<string> limits) =>
        ResponseWriter.WriteAsync(context.Response, ResponseHead.Array, HealthJson.EncodeLine(status, limits));
}
