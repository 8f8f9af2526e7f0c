using CComet.Dialects.Native;
using CComet.Http.Requests;
using CComet.Operations;
using CComet.Storage;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary><c>/presence</c>: tells who is in a channel, or with <c>counts=1</c> how many. As JSONP the object is the one element of an array.</summary>
/// <remarks><c>optional=1</c> is for a page that shows presence where there is some: a browser reports each refusal in its console.</remarks>
internal static class PresenceEndpoint
{
    private static readonly RequestForm Form = RequestForm.Native with { Names = ParameterNames.OfPresence };

    /// <summary>Creates the endpoint.</summary>
    public static RequestDelegate Create(RequestPipeline pipeline, PresenceOperations operations) => pipeline.Create(
        parameters => (Channel: parameters.RequiredName("channel"), WithUsers: !ReadSwitch(parameters, "counts", "for the number alone"), IsOptional: ReadSwitch(parameters, "optional", "for no refusal where there is nothing to tell")),
        async (context, caller, asked, callback) =>
        {
            var (channel, withUsers, isOptional) = asked[0];
            MemberList list;
            try
            {
                list = await operations.ReadAsync(caller, channel, withUsers, context.RequestAborted);
            }
            catch (Exception e) when (isOptional && callback is null && e is (RefusedException or AccessDeniedException))
            {
                ResponseWriter.WriteHead(context.Response, ResponseHead.Nothing);
                return;
            }

            pipeline.AnnounceDrain(context);
            if (callback is null) await ResponseWriter.WriteAsync(context.Response, ResponseHead.Object, PresenceJson.EncodeLine(channel, list, withUsers));
            else await ResponseWriter.WriteArrayAsync(context.Response, ResponseHead.Array, callback, [PresenceJson.Encode(channel, list, withUsers)]);
        },
        form: Form);

    private static bool ReadSwitch(Parameters parameters, string name, string meaning) => parameters.Optional(name) switch
    {
        null or "0" => false,
        "1" => true,
        _ => throw WireException.Bad(name, $"must be 1 {meaning}, or 0."),
    };
}
