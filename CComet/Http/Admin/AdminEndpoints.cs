using System.Globalization;
using CComet.Access;
using CComet.Dialects.Native;
using CComet.Http.Requests;
using CComet.Messages;
using CComet.Operations;
using Microsoft.AspNetCore.Http;

namespace CComet.Http.Admin;

/// <summary>The paths below <c>/admin</c>: a door to <see cref="AdminOperations"/> each.</summary>
internal sealed class AdminEndpoints(RequestPipeline pipeline, AdminOperations admin)
{
    private const int DefaultListed = 100;
    private const int DefaultShown = 50;

    private static readonly RequestForm Form = RequestForm.Administration;
    private static readonly RequestForm PublishForm = Form with { Names = ParameterNames.OfAdminPublish };

    /// <summary>Creates <c>/admin/me</c>.</summary>
    public RequestDelegate CreateScope() => CreateFixed(async (context, caller) => AdminJson.EncodeLine(await admin.ReadScopeAsync(caller, context.RequestAborted)));

    /// <summary>Creates <c>/admin/channels</c>.</summary>
    public RequestDelegate CreateList() => pipeline.Create(
        parameters => (Prefix: ReadPrefix(parameters), After: parameters.OptionalName("after"), Limit: ReadLimit(parameters, DefaultListed, AdminOperations.MaxListed)),
        async (context, caller, asked, _) =>
        {
            var (channels, next) = await admin.ListAsync(caller, asked[0].Prefix, asked[0].After, asked[0].Limit, context.RequestAborted);
            await AnswerAsync(context, AdminJson.EncodeLine(channels, next));
        },
        form: Form);

    /// <summary>Creates <c>/admin/channels/{channel}</c>.</summary>
    public RequestDelegate CreateChannel() => CreateRead(async (context, caller, channel, _) => AdminJson.EncodeLine(await admin.ReadAsync(caller, channel, context.RequestAborted)));

    /// <summary>Creates <c>/admin/channels/{channel}/messages</c>.</summary>
    public RequestDelegate CreateMessages() => CreateRead(async (context, caller, channel, limit) =>
    {
        var (head, messages) = await admin.ReadNewestAsync(caller, channel, limit, context.RequestAborted);
        return AdminJson.EncodeLine(channel, head, messages);
    });

    /// <summary>Creates <c>/admin/channels/{channel}/clear</c>.</summary>
    public RequestDelegate CreateClear() => CreateChange(async (context, caller, _) =>
    {
        var channel = AdminPath.ReadChannel(context);
        var (dropped, head) = await admin.ClearAsync(caller, channel, CancellationToken.None);
        return AdminJson.EncodeCleared(channel, dropped, head);
    });

    /// <summary>Creates <c>/admin/channels/{channel}/close</c>.</summary>
    public RequestDelegate CreateClose() => CreateChange(async (context, caller, _) =>
    {
        var channel = AdminPath.ReadChannel(context);
        return AdminJson.EncodeCount("channel", channel, "subscribers", await admin.CloseAsync(caller, channel, CancellationToken.None));
    });

    /// <summary>Creates <c>/admin/channels/{channel}/publish</c>.</summary>
    public RequestDelegate CreatePublish() => pipeline.Create(
        parameters => (Sname: parameters.OptionalName("sname"), Body: parameters.Message(admin.Context.Options.Limits.MessageBytes), Id: parameters.OptionalName("id")),
        async (context, caller, asked, _) =>
        {
            var channel = AdminPath.ReadChannel(context);
            var receipts = await admin.PublishAsync(caller, [.. asked.Select(m => new NewMessage(channel, MessageType.Msg, m.Sname, m.Body, m.Id))], CancellationToken.None);
            pipeline.AnnounceDrain(context);
            await ResponseWriter.WriteArrayAsync(context.Response, ResponseHead.Array, null, ReceiptJson.EncodeLine(receipts));
        },
        mayBeRaw: true,
        publishes: true,
        form: PublishForm);

    /// <summary>Creates <c>/admin/broadcast</c>.</summary>
    public RequestDelegate CreateBroadcast() => pipeline.Create(
        parameters => parameters.Message(admin.Context.Options.Limits.MessageBytes),
        async (context, caller, asked, _) => await AnswerAsync(context, AdminJson.EncodeCount("", null, "channels", await admin.BroadcastAsync(caller, asked[0], CancellationToken.None))),
        publishes: true,
        form: PublishForm);

    /// <summary>Creates <c>/admin/kick</c>.</summary>
    public RequestDelegate CreateKick() => pipeline.Create(
        parameters => (User: parameters.OptionalName("user"), Channel: parameters.OptionalName("channel")),
        async (context, caller, asked, _) => await AnswerAsync(context, asked[0] switch
        {
            ({ } user, null) => AdminJson.EncodeCount("user", user, "connections", await admin.KickUserAsync(caller, user, CancellationToken.None)),
            (null, { } channel) => AdminJson.EncodeCount("channel", channel, "connections", await admin.KickChannelAsync(caller, channel, CancellationToken.None)),
            (null, null) => throw WireException.Bad("user", "is missing: give one of user and channel."),
            _ => throw WireException.Bad("channel", "give one of user and channel."),
        }),
        publishes: true,
        form: Form);

    /// <summary>Creates <c>/admin/explain</c>.</summary>
    public RequestDelegate CreateExplain() => pipeline.Create(
        parameters => (Token: parameters.Optional("token"), Right: ReadRight(parameters), Channel: parameters.RequiredName("channel")),
        async (context, caller, asked, _) => await AnswerAsync(context, AdminJson.EncodeLine(await admin.ExplainAsync(caller, asked[0].Token, asked[0].Right, asked[0].Channel, context.RequestAborted))),
        publishes: true,
        form: Form);

    /// <summary>Creates <c>/admin/nodes</c>.</summary>
    public RequestDelegate CreateNodes() => CreateFixed(async (context, caller) => AdminJson.EncodeLine(await admin.ReadNodesAsync(caller, context.RequestAborted)));

    /// <summary>Creates <c>/admin/stats</c>.</summary>
    public RequestDelegate CreateStatistics() => CreateFixed(async (context, caller) => AdminJson.EncodeLine(await admin.ReadStatisticsAsync(caller, context.RequestAborted)));

    /// <summary>Creates <c>/admin/drain</c>.</summary>
    public RequestDelegate CreateDrain() => CreateChange(async (_, caller, node) =>
    {
        var drained = await admin.DrainAsync(caller, node, CancellationToken.None);
        return NativeJson.EncodeObjectLine(json =>
        {
            json.WriteString("node", drained);
            json.WriteBoolean("draining", true);
        });
    });

    private RequestDelegate CreateRead(Func<HttpContext, CallerContext, string, int, Task<byte[]>> read) => pipeline.Create(
        parameters => ReadLimit(parameters, DefaultShown, AdminOperations.MaxShown),
        async (context, caller, limit, _) => await AnswerAsync(context, await read(context, caller, AdminPath.ReadChannel(context), limit[0])),
        form: Form);

    private RequestDelegate CreateFixed(Func<HttpContext, CallerContext, Task<byte[]>> read) => pipeline.Create(
        _ => 0,
        async (context, caller, _, _) => await AnswerAsync(context, await read(context, caller)),
        form: Form);

    private RequestDelegate CreateChange(Func<HttpContext, CallerContext, string?, Task<byte[]>> change) => pipeline.Create(
        parameters => parameters.OptionalName("node"),
        async (context, caller, asked, _) => await AnswerAsync(context, await change(context, caller, asked[0])),
        publishes: true,
        form: Form);

    private Task AnswerAsync(HttpContext context, byte[] json)
    {
        pipeline.AnnounceDrain(context);
        return ResponseWriter.WriteAsync(context.Response, ResponseHead.Object, json);
    }

    private static string ReadPrefix(Parameters parameters) => parameters.Lenient("prefix") is { } prefix ? Parameters.CheckName("prefix", prefix) : "";

    private static int ReadLimit(Parameters parameters, int normal, int most)
    {
        if (parameters.Optional("limit") is not { } text) return normal;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit >= 1 && limit <= most
            ? limit
            : throw WireException.Bad("limit", $"must be a whole number, 1 to {most}.");
    }

    private static ChannelRight ReadRight(Parameters parameters) =>
        GrantFactory.ParseRight(parameters.Required("verb")) ?? throw WireException.Bad("verb", "must be subscribe, publish, presence, admin or sname.");
}
