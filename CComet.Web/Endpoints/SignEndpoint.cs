using CComet.Web.Hub;

namespace CComet.Web.Endpoints;

/// <summary><c>/sign</c>: tells a channel that somebody has come, and gives him its history.</summary>
internal static class SignEndpoint
{
    /// <summary>The verb.</summary>
    public static RequestDelegate Of(Verb verb, ChannelHub hub) => verb.Of(
        parameters => (Channel: parameters.RequiredName("channel"), Sname: parameters.OptionalName("sname")),
        async (context, asked, callback) =>
        {
            using var signIn = await hub.SignAsync(context.CallerOf(), asked[0].Channel, asked[0].Sname, context.RequestAborted);
            DrainNotice.Announce(context, hub);
            context.Response.Headers[Answers.CursorHeader] = signIn.Cursor.ToString();
            await Answers.WriteArrayAsync(context, callback, [.. signIn.History.Select(m => (ReadOnlyMemory<byte>)m.Json)]);
        });
}
