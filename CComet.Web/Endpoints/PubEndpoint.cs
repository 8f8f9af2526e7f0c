using CComet.Web.Hub;

namespace CComet.Web.Endpoints;

/// <summary><c>/pub</c>: stores messages, and answers with their receipts.</summary>
internal static class PubEndpoint
{
    /// <summary>Adds the verb to the routes.</summary>
    public static void MapPub(this IEndpointRouteBuilder routes, Verb verb, ChannelHub hub) =>
        routes.MapMethods("/pub", [HttpMethods.Get, HttpMethods.Post], verb.Of(async (context, parameters, callback) =>
        {
            // All are checked before any is stored.
            var drafts = parameters.Select(p => DraftOf(p, hub.Options.Limits)).ToArray();
            var receipts = await hub.PublishAsync(drafts, context.RequestAborted);
            await Answers.WriteArrayAsync(context, callback, [.. receipts.Select(ReceiptJson)]);
        }, mayBeRaw: true));

    private static Draft DraftOf(Parameters parameters, LimitOptions limits) => new(
        parameters.RequiredName("channel"),
        MessageType.Msg,
        parameters.OptionalName("sname"),
        parameters.Message(limits.MessageBytes),
        parameters.OptionalName("id"));

    private static ReadOnlyMemory<byte> ReceiptJson(Receipt receipt) => Answers.Json(json =>
    {
        json.WriteString("type", "pub");
        json.WriteString("channel", receipt.Channel);
        json.WriteString("epoch", receipt.Epoch);
        json.WriteNumber("seqid", receipt.Seqid);
        if (receipt.Duplicate) json.WriteBoolean("duplicate", true);
    });
}
