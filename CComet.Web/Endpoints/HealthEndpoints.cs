using CComet.Web.Hub;

namespace CComet.Web.Endpoints;

/// <summary><c>/health/live</c>: the process answers. <c>/health/ready</c>: it may be sent clients.</summary>
internal static class HealthEndpoints
{
    /// <summary>Answers <c>/health/live</c>.</summary>
    public static Task AnswerLiveAsync(HttpContext context) => AnswerAsync(context, "ok");

    /// <summary>Makes the delegate of <c>/health/ready</c>.</summary>
    public static RequestDelegate OfReady(ChannelHub hub, IMessageStore store) => async context =>
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
    };

    private static Task AnswerAsync(HttpContext context, string status)
    {
        context.Response.ContentType = Transports.JsonArray.ContentType;
        Answers.SetCommonHeaders(context.Response);
        return Answers.WriteBodyAsync(context.Response, JsonText.ObjectLineOf(json => json.WriteString("status", status)));
    }
}
