using CComet.Dialects.Native;
using CComet.Http.Requests;
using CComet.Operations;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary><c>/presence</c>: tells who is in a channel, or with <c>counts=1</c> how many. As JSONP the object is the one element of an array.</summary>
internal static class PresenceEndpoint
{
    private static readonly RequestForm Form = RequestForm.Native with { Names = ParameterNames.OfPresence };

    /// <summary>Creates the endpoint.</summary>
    public static RequestDelegate Create(RequestPipeline pipeline, PresenceOperations operations) => pipeline.Create(
        parameters => (Channel: parameters.RequiredName("channel"), WithUsers: !ReadCounts(parameters)),
        async (context, caller, asked, callback) =>
        {
            var (channel, withUsers) = asked[0];
            var list = await operations.ReadAsync(caller, channel, withUsers, context.RequestAborted);
            pipeline.AnnounceDrain(context);
            if (callback is null) await ResponseWriter.WriteAsync(context.Response, ResponseHead.Object, PresenceJson.EncodeLine(channel, list, withUsers));
            else await ResponseWriter.WriteArrayAsync(context.Response, ResponseHead.Array, callback, [PresenceJson.Encode(channel, list, withUsers)]);
        },
        form: Form);

    private static bool ReadCounts(Parameters parameters) => parameters.Optional("counts") switch
    {
        null or "0" => false,
        "1" => true,
        _ => throw WireException.Bad("counts", "must be 1 for the number alone, or 0."),
    };
}
