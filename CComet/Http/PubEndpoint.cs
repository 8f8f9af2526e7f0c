using System.Text.Json;
using CComet.Access;
using CComet.Channels;
using CComet.Dialects.Native;
using CComet.Http.Requests;
using CComet.Messages;
using CComet.Storage;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary><c>/pub</c>: stores messages, and answers with their receipts.</summary>
internal static class PubEndpoint
{
    /// <summary>The verb.</summary>
    public static RequestDelegate Of(RequestPipeline verb, ChannelHub hub)
    {
        var limits = hub.Options.Limits;
        return verb.Of(
            parameters => DraftOf(parameters, limits),
            async (context, drafts, callback) =>
            {
                var receipts = await PublishAsync(context.CallerOf(), drafts, hub);
                DrainNotice.Announce(context, hub);
                await ResponseWriter.WriteArrayAsync(context, callback, JsonText.ArrayLineOf(receipts, WriteReceipt));
            },
            mayBeRaw: true);
    }

    /// <summary>Publishes what a text frame holds; gives the receipts as a JSON array.</summary>
    public static async ValueTask<byte[]> PublishAsync(CallerContext caller, ReadOnlyMemory<byte> json, ChannelHub hub)
    {
        var limits = hub.Options.Limits;
        var parameters = new Parameters(limits.Parameters);
        var drafts = RequestBody.ReadJson(json, parameters, limits, mayBeArray: true, element => DraftOf(element, limits));
        parameters.ThrowIfRefused();
        return JsonText.ArrayOf(await PublishAsync(caller, drafts ?? [DraftOf(parameters, limits)], hub), WriteReceipt);
    }

    /// <summary>Stores all the messages or none. Not cancelled when the client goes: they may have been stored by then.</summary>
    private static ValueTask<IReadOnlyList<Receipt>> PublishAsync(CallerContext caller, IReadOnlyList<NewMessage> drafts, ChannelHub hub)
    {
        if (drafts.Count > 1) CheckTotal(drafts, WireLimits.MaxBodyBytes(hub.Options.Limits));
        return hub.PublishAsync(caller, drafts);
    }

    /// <summary>Bounds what one message in the query, which holds for every element of an array that has none, multiplies to.</summary>
    private static void CheckTotal(IReadOnlyList<NewMessage> drafts, int maxBytes)
    {
        var total = 0L;
        for (var i = 0; i < drafts.Count; i++) total += drafts[i].Body.Length;
        if (total > maxBytes) throw WireException.TooLarge("msg", $"of all elements together is {total} bytes long; the limit is {maxBytes}.");
    }

    private static NewMessage DraftOf(Parameters parameters, LimitOptions limits) => new(
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
