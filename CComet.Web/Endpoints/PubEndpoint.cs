using System.Text.Json;
using CComet.Web.Hub;

namespace CComet.Web.Endpoints;

/// <summary><c>/pub</c>: stores messages, and answers with their receipts.</summary>
internal static class PubEndpoint
{
    /// <summary>The verb.</summary>
    public static RequestDelegate Of(Verb verb, ChannelHub hub) => verb.Of(
        async (context, parameters, callback) => await Answers.WriteArrayAsync(context, callback, await PublishAsync(parameters, hub)),
        mayBeRaw: true);

    /// <summary>Stores all the messages or none; gives their receipts as a JSON array.</summary>
    public static async ValueTask<byte[]> PublishAsync(IReadOnlyList<Parameters> parameters, ChannelHub hub)
    {
        // All are checked before any is stored. Not cancelled when the client goes: it may have been stored by then.
        var drafts = new Draft[parameters.Count];
        for (var i = 0; i < drafts.Length; i++) drafts[i] = DraftOf(parameters[i], hub.Options.Limits);
        return JsonText.ArrayOf(await hub.PublishAsync(drafts), WriteReceipt);
    }

    private static Draft DraftOf(Parameters parameters, LimitOptions limits) => new(
        parameters.RequiredName("channel"),
        MessageType.Msg,
        parameters.OptionalName("sname"),
        parameters.Message(limits.MessageBytes),
        parameters.OptionalName("id"));

    private static void WriteReceipt(Utf8JsonWriter json, Receipt receipt)
    {
        json.WriteString("type", "pub");
        json.WriteString("channel", receipt.Channel);
        json.WriteString("epoch", receipt.Epoch);
        json.WriteNumber("seqid", receipt.Seqid);
        if (receipt.Duplicate) json.WriteBoolean("duplicate", true);
    }
}
