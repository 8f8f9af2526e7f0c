using CComet.Web.Hub;

namespace CComet.Web.Endpoints;

/// <summary><c>/health/live</c>: the process answers. <c>/health/ready</c>: it may be sent clients.</summary>
internal static class HealthEndpoints
{
    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    /// <summary>Adds both to the routes.</summary>
    public static void MapHealth(this IEndpointRouteBuilder routes, ChannelHub hub, IMessageStore store)
    {
        routes.MapMethods("/health/live", Methods, context => AnswerAsync(context, "ok"));
        routes.MapMethods("/health/ready", Methods, async context =>
        {
            try
            {
                if (hub.IsDraining) throw new DrainingException();
                await store.CheckAsync(context.RequestAborted);
                await AnswerAsync(context, "ready");
            }
            catch (Exception e) when (WireException.From(e) is { } error)
            {
                await Answers.WriteErrorAsync(context, null, error);
            }
        });
    }

    private static Task AnswerAsync(HttpContext context, string status)
    {
        context.Response.ContentType = JsonAnswer;
        context.Response.Headers.CacheControl = "no-store";
        return Answers.WriteBodyAsync(context.Response, JsonText.ObjectLineOf(json => json.WriteString("status", status)));
    }

    private const string JsonAnswer = Transports.JsonArray.ContentType;
}
