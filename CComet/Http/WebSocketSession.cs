using System.IO.Pipelines;
using CComet.Access;
using CComet.Dialects.Native;
using CComet.Http.Credentials;
using CComet.Operations;
using CComet.Subscriptions;
using CComet.Transports;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CComet.Http;

/// <summary>A WebSocket that is open: messages go down (<see cref="WebSocketStream"/>), publishes and credentials come up.</summary>
internal sealed class WebSocketSession(
    RequestPipeline pipeline,
    ChannelOperations operations,
    Carriers carriers,
    HttpContext context,
    CallerContext caller,
    Subscriber subscriber,
    Stream stream,
    PipeReader input,
    PipeWriter output)
{
    /// <summary>Registered for WebSocket with IANA: the server is overloaded for now.</summary>
    private const ushort TryAgainLaterCode = 1013;

    /// <summary>How long the client has to answer the server's close with its own.</summary>
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private CallerContext _caller = caller;

    /// <summary>Returns the code by which a WebSocket is closed whose credential was refused.</summary>
    public static ushort CloseCodeOf(WireException refusal) => refusal.Status is StatusCodes.Status401Unauthorized or StatusCodes.Status403Forbidden
        ? (ushort)(WebSocketStream.RefusedCode + refusal.Status)
        : TryAgainLaterCode;

    /// <summary>Runs until one side ends it.</summary>
    public async Task RunAsync()
    {
        var feed = new WebSocketStream(output, pipeline.Tuning.SocketOf(context), subscriber, new Upgraded(context.Features.GetRequiredFeature<IHttpRequestLifetimeFeature>()), NativeEncoder.Forms);
        var receiving = new WebSocketReceiver(feed, subscriber, WireLimits.MaxBodyBytes(operations.Context.Options.Limits), AnswerAsync).RunAsync(input);
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
            await CloseAsync(receiving);
            subscriber.Dispose();
            await stream.DisposeAsync();
        }
    }

    /// <summary>Lets the client's own close come, for a moment, so that the end is in good order; then cuts.</summary>
    private async Task CloseAsync(Task receiving)
    {
        using var closed = new CancellationTokenSource();
        if (await Task.WhenAny(receiving, operations.Context.Wheel.DelayAsync(CloseTimeout, closed.Token)) != receiving) context.Abort();
        await closed.CancelAsync();
        await receiving;
    }

    private async ValueTask<WebSocketAnswer> AnswerAsync(ReadOnlyMemory<byte> text)
    {
        var frame = AuthFrame.Read(text);
        try
        {
            return new WebSocketAnswer(frame is { } shown ? await RenewAsync(shown) : await PubEndpoint.PublishAsync(_caller, text, operations));
        }
        catch (Exception e) when (WireException.From(e) is { } error)
        {
            operations.Context.Metrics.RefusedRequest(error.Reason);
            return new WebSocketAnswer(ErrorJson.EncodeArray(error), frame is null ? (ushort)0 : CloseCodeOf(error));
        }
    }

    /// <summary>Takes a newer credential, in place: nothing is lost, and nothing is opened again.</summary>
    private async ValueTask<byte[]> RenewAsync(AuthFrame shown)
    {
        var renewed = await carriers.AuthenticateAsync(_caller, shown.Token, shown.Ticket);
        await operations.RenewAsync(renewed, subscriber);
        _caller = renewed;
        return AuthFrame.EncodeAnswer(renewed.Grant?.User, renewed.Grant?.Expires);
    }

    /// <summary>The request goes on behind the feed: the client's own close is still to come.</summary>
    private sealed class Upgraded(IHttpRequestLifetimeFeature lifetime) : IStreamRequest
    {
        public void Abort() => lifetime.Abort();

        public ValueTask EndAsync(Exception? failure) => failure is null ? ValueTask.CompletedTask : ValueTask.FromException(failure);
    }
}
