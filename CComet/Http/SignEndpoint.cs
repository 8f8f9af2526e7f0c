using CComet.Http.Requests;
using CComet.Operations;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace CComet.Http;

/// <summary><c>/sign</c>: tells a channel that somebody has come, and gives him its history.</summary>
internal static class SignEndpoint
{
    /// <summary>The verb.</summary>
    public static RequestDelegate Of(RequestPipeline verb, ChannelOperations operations) => verb.Of(
        parameters => (Channel: parameters.RequiredName("channel"), Sname: parameters.OptionalName("sname")),
        async (context, asked, callback) =>
        {
            using var signIn = await operations.SignAsync(context.CallerOf(), asked[0].Channel, asked[0].Sname, context.RequestAborted);
            DrainNotice.Announce(context, operations.Context);
            context.Response.Headers[ResponseWriter.CursorHeader] = signIn.Cursor.ToString();
            await ResponseWriter.WriteArrayAsync(context, callback, [.. signIn.History.Select(m => (ReadOnlyMemory<byte>)m.Json)]);
        });
}
