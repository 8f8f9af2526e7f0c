using System.Globalization;
using System.Text;
using System.Text.Json;
using CComet.Access;
using CComet.Channels;
using CComet.Dialects.Icomet;
using CComet.Dialects.Native;
using CComet.Http.Requests;
using CComet.Messages;
using CComet.Operations;
using Microsoft.AspNetCore.Http;

namespace CComet.Http.Icomet;

/// <summary>The side of icomet to which an application's own services come. Who may is decided by the address, before.</summary>
internal sealed class AdminEndpoints(RequestPipeline pipeline, ChannelHub hub, ChannelOperations operations, ChannelAdministration administration, ChannelOccupancy occupancy, ChannelTokens tokens, AccessAudit audit, IcometOptions options)
{
    /// <summary>How long a token may be asked to hold.</summary>
    private static readonly TimeSpan MaxLife = TimeSpan.FromDays(365);

    private static readonly byte[] Ok = "{\"type\":\"ok\"}"u8.ToArray();
    private static readonly string Version = typeof(AdminEndpoints).Assembly.GetName().Version?.ToString(3) ?? "0";

    /// <summary>Creates <c>/sign</c>.</summary>
    public RequestDelegate CreateSign() => pipeline.Create(
        parameters => (Channel: ReadOwnChannel(parameters), Life: ReadLife(parameters)),
        async (context, _, asked, callback) =>
        {
            var (channel, life) = asked[0];
            var token = await tokens.CreateAsync(channel, life, context.RequestAborted);
            var head = await administration.HeadAsync(channel, context.RequestAborted);
            await IcometAnswer.WriteAsync(context.Response, callback, Json(json =>
            {
                json.WriteString("type", "sign");
                json.WriteString("cname", channel);
                json.WriteNumber("seq", head.First + 1);
                json.WriteString("token", token);
                json.WriteNumber("expires", (long)life.TotalSeconds);
                json.WriteNumber("sub_timeout", FrontEndpoints.Timeout(operations));
            }));
        },
        form: IcometForm.Admin);

    /// <summary>Creates <c>/push</c>: the content is a text.</summary>
    public RequestDelegate CreatePush() => CreatePublish(ReadText);

    /// <summary>Creates <c>/pub</c>: the content is what stands between the quotes of a JSON string.</summary>
    public RequestDelegate CreatePub() => CreatePublish(ReadJsonString);

    /// <summary>Creates <c>/broadcast</c>.</summary>
    public RequestDelegate CreateBroadcast() => pipeline.Create(
        ReadText,
        async (context, caller, asked, _) =>
        {
            audit.Done(null, caller.Address, "icomet broadcast", null);
            await administration.BroadcastAsync(Encoding.UTF8.GetString(asked[0].Span), context.RequestAborted);
            await IcometForm.WriteTextAsync(context.Response, StatusCodes.Status200OK, "ok");
        },
        form: IcometForm.Admin);

    /// <summary>Creates <c>/close</c>.</summary>
    public RequestDelegate CreateClose() => CreateEnding("close", async (channel, cancellation) => await administration.CloseAsync(channel, cancellation));

    /// <summary>Creates <c>/clear</c>.</summary>
    public RequestDelegate CreateClear() => CreateEnding("clear", async (channel, cancellation) => await administration.ClearAsync(channel, cancellation));

    /// <summary>Creates <c>/info</c>.</summary>
    public RequestDelegate CreateInfo() => pipeline.Create(
        parameters => parameters.Has("cname") ? ReadOwnChannel(parameters) : null,
        (context, _, asked, callback) => IcometAnswer.WriteAsync(context.Response, callback, Json(json =>
        {
            if (asked[0] is { } channel)
            {
                json.WriteString("cname", channel);
                json.WriteNumber("subscribers", hub.Find(channel)?.Subscribers ?? 0);
                return;
            }

            var names = hub.OpenNames.ToList();
            json.WriteString("version", Version);
            json.WriteNumber("channels", names.Count);
            json.WriteNumber("subscribers", names.Sum(name => hub.Find(name)?.Subscribers ?? 0));
        })),
        form: IcometForm.Admin);

    /// <summary>Creates <c>/check</c>.</summary>
    public RequestDelegate CreateCheck() => pipeline.Create(
        ReadOwnChannel,
        (context, _, asked, callback) => IcometAnswer.WriteAsync(context.Response, callback, Json(json =>
        {
            if (occupancy.IsOnline(asked[0])) json.WriteNumber(asked[0], 1);
        })),
        form: IcometForm.Admin);

    /// <summary>Creates <c>/psub</c>: a line for each channel that goes online or offline; those that are online are told again.</summary>
    public RequestDelegate CreatePsub() => pipeline.CreateWaiting(
        async (context, _, _, _, began) =>
        {
            var listener = occupancy.Listen();
            Exception? failure = null;
            try
            {
                context.Response.ContentType = IcometForm.TextType;
                context.Response.Headers.CacheControl = "no-store";
                context.Response.Headers["X-Accel-Buffering"] = "no";
                context.Response.Headers.XContentTypeOptions = "nosniff";
                await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
                using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, hub.Context.WaitsEnded);
                while (await listener.Changes.Reader.WaitToReadAsync(ending.Token))
                {
                    while (listener.Changes.Reader.TryRead(out var change)) Encoding.UTF8.GetBytes($"{(change.IsOnline ? 1 : 0)} {change.Channel}\n", context.Response.BodyWriter);
                    await context.Response.BodyWriter.FlushAsync(ending.Token);
                }
            }
            catch (OperationCanceledException) when (hub.IsDraining)
            {
                // The server stops.
            }
            catch (Exception e)
            {
                failure = e;
            }

            occupancy.StopListening(listener);
            if (failure is null) pipeline.Ended(context, began);
            else await pipeline.FailAsync(context, failure, null, began, IcometForm.Admin);
        },
        IcometForm.Admin);

    private static string ReadOwnChannel(Parameters parameters)
    {
        var channel = IcometForm.ReadChannel(parameters);
        ChannelOperations.ThrowIfOfServer(channel);
        return channel;
    }

    private static byte[] Json(Action<Utf8JsonWriter> members) => IcometJson.Escape(NativeJson.EncodeObject(members));

    private RequestDelegate CreatePublish(Func<Parameters, ReadOnlyMemory<byte>> read) => pipeline.Create(
        parameters => new NewMessage(ReadOwnChannel(parameters), MessageType.Msg, null, read(parameters)),
        async (context, _, messages, callback) =>
        {
            await operations.PublishTrustedAsync(messages, CancellationToken.None);
            pipeline.AnnounceDrain(context);
            await IcometAnswer.WriteAsync(context.Response, callback, Ok);
        },
        form: IcometForm.Admin);

    private RequestDelegate CreateEnding(string action, Func<string, CancellationToken, Task> end) => pipeline.Create(
        ReadOwnChannel,
        async (context, caller, asked, _) =>
        {
            var head = await administration.HeadAsync(asked[0], context.RequestAborted);
            if (head.End == 0 && !occupancy.IsOnline(asked[0]))
            {
                await IcometForm.WriteTextAsync(context.Response, StatusCodes.Status404NotFound, $"channel[{asked[0]}] not connected");
                return;
            }

            audit.Done(null, caller.Address, $"icomet {action}", asked[0]);
            await end(asked[0], context.RequestAborted);

            // A log that was cleared starts over.
            head = await administration.HeadAsync(asked[0], context.RequestAborted);
            await IcometForm.WriteTextAsync(context.Response, StatusCodes.Status200OK, string.Create(CultureInfo.InvariantCulture, $"ok {head.End + 1}"));
        },
        form: IcometForm.Admin);

    private ReadOnlyMemory<byte> ReadText(Parameters parameters) => parameters.Message(hub.Options.Limits.MessageBytes);

    private ReadOnlyMemory<byte> ReadJsonString(Parameters parameters)
    {
        var quoted = Encoding.UTF8.GetBytes($"\"{parameters.Required("content")}\"");
        var max = hub.Options.Limits.MessageBytes;
        if (quoted.Length - 2 > max) throw WireException.TooLarge("content", $"is {quoted.Length - 2} bytes long; the limit is {max}.");
        try
        {
            var reader = new Utf8JsonReader(quoted);
            if (reader.Read() && reader.TokenType == JsonTokenType.String && reader.BytesConsumed == quoted.Length) return JsonString.Minify(quoted);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Told below.
        }

        throw WireException.Bad("content", "must be what stands between the quotes of a JSON string; /push takes any text.");
    }

    private TimeSpan ReadLife(Parameters parameters)
    {
        if (parameters.Lenient("expires") is not { } text) return options.ChannelTimeout;
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seconds)) throw WireException.Bad("expires", "must be a whole number of seconds.");
        return seconds <= 0 ? options.ChannelTimeout : TimeSpan.FromSeconds(Math.Min(seconds, (long)MaxLife.TotalSeconds));
    }
}
