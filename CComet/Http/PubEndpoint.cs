using CComet.Access;
using CComet.Dialects.Native;
using CComet.Http.Requests;
using CComet.Messages;
using CComet.Operations;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary><c>/pub</c>: stores messages, and answers with their receipts.</summary>
internal static class PubEndpoint
{
    /// <summary>Creates the endpoint.</summary>
    public static RequestDelegate Create(RequestPipeline pipeline, ChannelOperations operations) => Create(pipeline, operations, RequestForm.Native);

    /// <summary>Creates the endpoint in a dialect that names the parameters of a publish as the native one does.</summary>
    public static RequestDelegate Create(RequestPipeline pipeline, ChannelOperations operations, RequestForm form)
    {
        var limits = operations.Context.Options.Limits;
        return pipeline.Create(
            parameters => MessageOf(parameters, limits),
            async (context, caller, messages, callback) =>
            {
                var receipts = await PublishAsync(caller, messages, operations);
                pipeline.AnnounceDrain(context);
                await ResponseWriter.WriteArrayAsync(context.Response, ResponseHead.Array, callback, ReceiptJson.EncodeLine(receipts));
            },
            mayBeRaw: true,
            publishes: true,
            form);
    }

    /// <summary>Publishes what a text frame holds; gives the receipts as a JSON array.</summary>
    public static async ValueTask<byte[]> PublishAsync(CallerContext caller, ReadOnlyMemory<byte> json, ChannelOperations operations)
    {
        var limits = operations.Context.Options.Limits;
        var parameters = new Parameters(limits.Parameters);
        var messages = RequestBody.ReadJson(json, parameters, limits, mayBeArray: true, element => MessageOf(element, limits));
        parameters.ThrowIfRefused();
        return ReceiptJson.Encode(await PublishAsync(caller, messages ?? [MessageOf(parameters, limits)], operations));
    }

    /// <summary>Stores all the messages or none. Not cancelled when the client goes: they may have been stored by then.</summary>
    private static ValueTask<IReadOnlyList<Receipt>> PublishAsync(CallerContext caller, IReadOnlyList<NewMessage> messages, ChannelOperations operations)
    {
        if (messages.Count > 1) CheckTotal(messages, WireLimits.MaxBodyBytes(operations.Context.Options.Limits));
        return operations.PublishAsync(caller, messages);
    }

    /// <summary>Bounds what one message in the query, which holds for every element of an array that has none, multiplies to.</summary>
    private static void CheckTotal(IReadOnlyList<NewMessage> messages, int maxBytes)
    {
        var total = 0L;
        for (var i = 0; i < messages.Count; i++) total += messages[i].Body.Length;
        if (total > maxBytes) throw WireException.TooLarge("msg", $"of all elements together is {total} bytes long; the limit is {maxBytes}.");
    }

    private static NewMessage MessageOf(Parameters parameters, LimitOptions limits) => new(
        parameters.RequiredName("channel"),
        MessageType.Msg,
        parameters.OptionalName("sname"),
        parameters.Message(limits.MessageBytes),
        parameters.OptionalName("id"));
}
