using CComet.Web.Hub;

namespace CComet.Web.Endpoints;

/// <summary><c>/sign</c>: tells a channel that somebody has come, and gives him its history.</summary>
internal static class SignEndpoint
{
    /// <summary>The verb.</summary>
    public static RequestDelegate Of(Verb verb, ChannelHub hub) => verb.Of(async (context, parameters, callback) =>
    {
        var channel = parameters[0].RequiredName("channel");
        var (history, cursor) = await hub.SignAsync(channel, parameters[0].OptionalName("sname"), context.RequestAborted);
        context.Response.Headers[Answers.CursorHeader] = cursor.ToString();
        await Answers.WriteArrayAsync(context, callback, [.. history.Select(m => (ReadOnlyMemory<byte>)m.Json)]);
    });
}
