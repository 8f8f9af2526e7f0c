using System.IO.Pipelines;
using CComet.Access;
using CComet.Dialects.Native;
using CComet.Http.Credentials;
using CComet.Http.Requests;
using CComet.Operations;
using CComet.Subscriptions;
using CComet.Transports;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary><c>/ws</c>: a WebSocket that carries messages down and publishes up.</summary>
/// <remarks>
/// A page learns nothing of a handshake that is refused. So a ticket, which pages use, is refused in a frame; and a client without a right
/// is let in, and has a moment to show its credential by the first frame.
/// </remarks>
internal sealed class WebSocketEndpoint(RequestPipeline pipeline, ChannelOperations operations, Carriers carriers)
{
    private static readonly RequestForm Form = RequestForm.Native with { IsAuthenticatedByHandler = true };

    /// <summary>Creates the endpoint.</summary>
    public RequestDelegate Create() => pipeline.Create(
        parameters => parameters,
        (context, _, parameters, _) =>
        {
            RequestPipeline.LeaveOutDuration(context);
            pipeline.CheckSocketOrigin(context);
            return RunAsync(context, parameters[0]);
        },
        form: Form);

    /// <summary>What it takes to begin is not held as long as the WebSocket lasts.</summary>
    private async Task RunAsync(HttpContext context, Parameters parameters)
    {
        if (await BeginAsync(context, parameters) is not { } session) return;
        await session.RunAsync();
    }

    private async ValueTask<WebSocketSession?> BeginAsync(HttpContext context, Parameters parameters)
    {
        var asked = SubscribeParameters.Read(parameters, context.Request.Headers["Last-Event-ID"]);
        var caller = context.CallerOf();
        Subscriber? subscriber = null;
        WireException? refusal = null;
        try
        {
            caller = await carriers.AuthenticateAsync(context, parameters, isScript: false, CredentialUse.Socket);
            subscriber = await BeginAsync(caller, asked);
        }
        catch (Exception e) when (parameters.Has(ParameterNames.Ticket) && IsRefusal(e))
        {
            refusal = WireException.From(e);
        }
        catch (AccessDeniedException e) when (e.IsAnonymous)
        {
            // The first frame may bring a credential.
        }

        try
        {
            var stream = await WebSocketHandshake.AcceptAsync(context);
            pipeline.Tuning.Lighten(context.Request);
            var output = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));

            // Zero-byte reads: a client that says nothing holds no buffer.
            var input = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true, useZeroByteReads: true));
            if (subscriber is null && refusal is null) (caller, subscriber, refusal) = await AdmitAsync(caller, asked, input, output);
            if (subscriber is not null) return new WebSocketSession(pipeline, operations, carriers, context, caller, subscriber, stream, input, output);
            await RefuseAsync(refusal, output);
            await stream.DisposeAsync();
            return null;
        }
        catch
        {
            subscriber?.Dispose();
            throw;
        }
    }

    private async ValueTask<Subscriber> BeginAsync(CallerContext caller, SubscribeParameters asked)
    {
        var subscriber = await operations.SubscribeAsync(caller with { Transport = Transport.WebSocket }, asked.Starts, asked.Sname);
        await subscriber.BeginOrLeaveAsync();
        return subscriber;
    }

    /// <summary>Waits for the frame that shows a credential, and subscribes by it.</summary>
    /// <returns>The subscriber; or the refusal, which is null when the client has gone.</returns>
    private async ValueTask<(CallerContext Caller, Subscriber? Subscriber, WireException? Refusal)> AdmitAsync(CallerContext caller, SubscribeParameters asked, PipeReader input, PipeWriter output)
    {
        const int MaxLength = AccessOperations.MaxTokenLength + 1024;
        try
        {
            var context = operations.Context;
            if (await WebSocketFirstMessage.ReadAsync(input, output, context.Wheel, context.Options.Auth.Deadline, MaxLength) is not { } text) return (caller, null, null);
            if (AuthFrame.Read(text) is not var (token, ticket)) return (caller, null, WireException.Unauthorized("auth: the first frame must be {\"type\":\"auth\",\"token\":…}, as the address has no credential."));
            caller = await carriers.AuthenticateAsync(caller, token, ticket);
            return (caller, await BeginAsync(caller, asked), null);
        }
        catch (WebSocketProtocolException e)
        {
            return (caller, null, WireException.Unauthorized($"auth: {e.Message}"));
        }
        catch (IOException)
        {
            return (caller, null, null);
        }
        catch (Exception e) when (WireException.From(e) is { } refusal)
        {
            return (caller, null, refusal);
        }
    }

    /// <summary>Tells why, and closes; the client's own close is not waited for.</summary>
    private async Task RefuseAsync(WireException? refusal, PipeWriter output)
    {
        try
        {
            if (refusal is not null)
            {
                operations.Context.Metrics.RefusedRequest(refusal.Reason);
                WebSocketFrames.Write(output, WebSocketOpcode.Text, ErrorJson.EncodeArray(refusal));
                WebSocketFrames.WriteClose(output, WebSocketSession.CloseCodeOf(refusal));
            }

            await output.FlushAsync();
        }
        catch (IOException)
        {
            // The client has gone.
        }
    }

    private static bool IsRefusal(Exception failure) => failure is TokenRefusedException or AccessDeniedException;
}
