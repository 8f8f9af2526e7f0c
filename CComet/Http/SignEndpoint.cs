using CComet.Dialects.Native;
using CComet.Http.Ccomet2014;
using CComet.Operations;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary><c>/sign</c>: appends a sign-in to a channel, and returns its history. The verb is the same in the dialect of 2014, whose page puts names into the address unencoded.</summary>
internal static class SignEndpoint
{
    /// <summary>Creates the endpoint.</summary>
    public static RequestDelegate Create(RequestPipeline pipeline, ChannelOperations operations) => pipeline.Create(
        parameters => (Channel: parameters.RequiredName("channel"), Sname: parameters.OptionalName("sname")),
        async (context, caller, asked, callback) =>
        {
            using var signIn = await operations.SignAsync(caller, asked[0].Channel, asked[0].Sname, context.RequestAborted);
            pipeline.AnnounceDrain(context);
            await ResponseWriter.WriteArrayAsync(context.Response, ResponseHead.Array with { Cursor = signIn.Cursor.ToString() }, callback, [.. signIn.History.Select(MessageJson.Encode)]);
        },
        publishes: true,
        form: RequestForm2014.Verb);
}
