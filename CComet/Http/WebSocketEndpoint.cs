using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using CComet.Access;
using CComet.Dialects.Native;
using CComet.Http.Requests;
using CComet.Operations;
using CComet.Transports;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CComet.Http;

/// <summary><c>/ws</c>: a WebSocket that carries messages down and publishes up.</summary>
internal static class WebSocketEndpoint
{
    private const string HandshakeGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    private const int KeyBytes = 16;

    /// <summary>How long the client has to answer the server's close with its own.</summary>
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Creates the endpoint.</summary>
    public static RequestDelegate Create(RequestPipeline pipeline, ChannelOperations operations) => pipeline.Create(parameters => parameters, (context, parameters, _) =>
    {
        pipeline.CheckSocketOrigin(context);
        return RunAsync(context, parameters[0], pipeline, operations);
    });

    private static async Task RunAsync(HttpContext context, Parameters parameters, RequestPipeline pipeline, ChannelOperations operations)
    {
        var asked = SubscribeParameters.Read(parameters, context.Request.Headers["Last-Event-ID"]);
        var caller = context.CallerOf();
        using var subscriber = await operations.SubscribeAsync(caller, asked.Starts, asked.Sname);
        await subscriber.BeginAsync();

        await using var stream = await AcceptAsync(context);
        pipeline.Tuning.Lighten(context.Request);
        var output = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));
        var feed = new WebSocketStream(output, pipeline.Tuning.SocketOf(context), subscriber, new Upgraded(context.Features.GetRequiredFeature<IHttpRequestLifetimeFeature>()), NativeEncoder.Forms);
        var receiver = new WebSocketReceiver(feed, subscriber, WireLimits.MaxBodyBytes(operations.Context.Options.Limits), text => PublishAsync(caller, text, operations));

        // Zero-byte reads: a client that says nothing holds no buffer.
        var receiving = receiver.RunAsync(PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true, useZeroByteReads: true)));
        try
        {
            using var gone = pipeline.Tuning.OnGone(context, subscriber);
            await feed.RunAsync();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client has gone in the middle of a write.
        }
        finally
        {
            feed.Complete();
            await CloseAsync(receiving, operations, context);
        }
    }

    /// <summary>Lets the client's own close come, for a moment, so that the end is in good order; then cuts.</summary>
    private static async Task CloseAsync(Task receiving, ChannelOperations operations, HttpContext context)
    {
        using var closed = new CancellationTokenSource();
        if (await Task.WhenAny(receiving, operations.Context.Wheel.DelayAsync(CloseTimeout, closed.Token)) != receiving) context.Abort();
        await closed.CancelAsync();
        await receiving;
    }

    private static async ValueTask<Stream> AcceptAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true, Protocol: "websocket" } connect) return await connect.AcceptAsync();
        var headers = context.Request.Headers;
        if (context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true } upgrade || !headers.Upgrade.ToString().Equals("websocket", StringComparison.OrdinalIgnoreCase))
        {
            throw RefuseHandshake(context.Response, "this path speaks WebSocket; send Connection: Upgrade and Upgrade: websocket.");
        }

        if (headers.SecWebSocketVersion.ToString() != "13")
        {
            throw RefuseHandshake(context.Response, "Sec-WebSocket-Version must be 13.");
        }

        var key = headers.SecWebSocketKey.ToString();
        Span<byte> bytes = stackalloc byte[KeyBytes + 2];
        if (!Convert.TryFromBase64String(key, bytes, out var length) || length != KeyBytes) throw WireException.Bad("Sec-WebSocket-Key", "must be 16 bytes as base64.");
        context.Response.Headers.Upgrade = "websocket";
        context.Response.Headers.SecWebSocketAccept = AcceptOf(key);
        return await upgrade.UpgradeAsync();
    }

    /// <summary>426, with what RFC 9110 and RFC 6455 want said beside it.</summary>
    private static WireException RefuseHandshake(HttpResponse response, string what)
    {
        response.Headers.Upgrade = "websocket";
        response.Headers.SecWebSocketVersion = "13";
        return WireException.UpgradeRequired(what);
    }

    /// <summary>SHA-1 is what RFC 6455 asks for here: it proves that the request was understood, and guards no secret.</summary>
    private static string AcceptOf(string key)
    {
#pragma warning disable CA5350 // Weak cryptographic algorithm: the protocol's choice, see above.
        return Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + HandshakeGuid)));
#pragma warning restore CA5350
    }

    private static async ValueTask<byte[]> PublishAsync(CallerContext caller, ReadOnlyMemory<byte> text, ChannelOperations operations)
    {
        try
        {
            return await PubEndpoint.PublishAsync(caller, text, operations);
        }
        catch (Exception e) when (WireException.From(e) is { } error)
        {
            return ErrorJson.EncodeArray(error);
        }
    }

    /// <summary>The request goes on behind the feed: the client's own close is still to come.</summary>
    private sealed class Upgraded(IHttpRequestLifetimeFeature lifetime) : IStreamRequest
    {
        public void Abort() => lifetime.Abort();

        public ValueTask EndAsync(Exception? failure) => failure is null ? ValueTask.CompletedTask : ValueTask.FromException(failure);
    }
}
