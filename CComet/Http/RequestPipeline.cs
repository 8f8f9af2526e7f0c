using System.IO.Pipelines;
using System.Runtime.ExceptionServices;
using System.Text;
using CComet.Access;
using CComet.Channels;
using CComet.Diagnostics;
using CComet.Dialects.Native;
using CComet.Http.Credentials;
using CComet.Http.Requests;
using CComet.Operations;
using CComet.Transports;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace CComet.Http;

/// <summary>What every verb of the wire has in common: its parameters, JSONP, and how a refusal is told.</summary>
internal sealed partial class RequestPipeline(
    ChannelHub hub,
    RequestLog log,
    IOriginPolicy origins,
    Carriers carriers,
    AccessOperations access,
    RequestTuning tuning,
    IOptions<EndpointOptions> options,
    ILogger<RequestPipeline> logger)
{
    /// <summary>An error answer to a JSONP poll waits this long, because the client of 2014 asks again at once, and would do so in a circle.</summary>
    public static readonly TimeSpan HoldBackTime = TimeSpan.FromSeconds(1);

    private readonly bool _mayCallBack = options.Value.Jsonp.Enabled;
    private readonly long _maxBodyBytes = WireLimits.MaxBodyBytes(hub.Options.Limits);

    /// <summary>What parked requests may do with the web server.</summary>
    public RequestTuning Tuning => tuning;

    /// <summary>Verifies what callers show.</summary>
    public AccessOperations Access => access;

    /// <summary>What a verb does with what was read of a request: once, or of each element of a body that is an array.</summary>
    public delegate Task Handler<in T>(HttpContext context, CallerContext caller, IReadOnlyList<T> asked, string? callback);

    /// <summary>
    /// Handles a verb and completes its request itself, by <see cref="Ended"/> or <see cref="FailAsync"/>, which saves a second async
    /// state machine per parked request.
    /// </summary>
    public delegate Task WaitingHandler(HttpContext context, CallerContext caller, Parameters parameters, string? callback, long began);

    /// <summary>Creates a verb's request delegate.</summary>
    /// <param name="read">Reads the parameters. Those of an element of an array are not its own: the next element is read into the same object.</param>
    /// <param name="handler">What it does.</param>
    /// <param name="mayBeRaw">Whether its body may be a raw message, or an array of messages.</param>
    /// <param name="publishes">Whether it may change something.</param>
    /// <param name="form">Its dialect's form; null for the native one.</param>
    public RequestDelegate Create<T>(Func<Parameters, T> read, Handler<T> handler, bool mayBeRaw = false, bool publishes = false, RequestForm? form = null) => context =>
    {
        form ??= RequestForm.Native;
        var began = log.Begin();
        string? callback = null;
        Task handled;
        try
        {
            var parameters = RequestBody.ReadQuery(context.Request, hub.Context.Options.Limits, form.Names);

            // Before the body is read, so that what is wrong with it is told in the caller's form.
            callback = CallbackOf(parameters);
            CheckOrigin(context, form);
            parameters.ThrowIfRefused();
            var authenticating = AuthenticateAsync(context, parameters, callback, publishes, form);
            handled = authenticating.IsCompletedSuccessfully
                ? HandleAsync(context, authenticating.Result, parameters, read, handler, callback, mayBeRaw, form)
                : HandleLaterAsync(context, authenticating, parameters, read, handler, callback, mayBeRaw, form);
        }
        catch (Exception e)
        {
            handled = Task.FromException(e);
        }

        if (!handled.IsCompletedSuccessfully) return FinishAsync(context, handled, callback, began, form);
        Ended(context, began);
        return handled;
    };

    /// <summary>Creates the request delegate of a verb without a body whose handler ends the request itself.</summary>
    /// <param name="handler">What it does.</param>
    /// <param name="form">Its dialect's form.</param>
    public RequestDelegate CreateWaiting(WaitingHandler handler, RequestForm form) => context =>
    {
        LeaveOutDuration(context);
        var began = log.Begin();
        string? callback = null;
        try
        {
            var parameters = RequestBody.ReadQuery(context.Request, hub.Context.Options.Limits, form.Names);
            callback = CallbackOf(parameters);
            CheckOrigin(context, form);
            parameters.ThrowIfRefused();
            var authenticating = AuthenticateAsync(context, parameters, callback, publishes: false, form);
            return authenticating.IsCompletedSuccessfully
                ? handler(context, authenticating.Result, parameters, callback, began)
                : WaitLaterAsync(context, authenticating, parameters, callback, began, handler, form);
        }
        catch (Exception e)
        {
            return FailAsync(context, e, callback, began, form);
        }
    };

    /// <summary>
    /// Has the web server leave a request out of its histogram of durations, if it keeps one: how long a subscriber waits says nothing of
    /// the server, and would hide how long everything else takes.
    /// </summary>
    public static void LeaveOutDuration(HttpContext context)
    {
        if (context.Features.Get<IHttpMetricsTagsFeature>() is { } metrics) metrics.MetricsDisabled = true;
    }

    /// <summary>Says of a request that is about to be handled whether its answer is the connection's last.</summary>
    /// <param name="context">The request.</param>
    /// <param name="isBodyRead">Whether a body would be read.</param>
    public void Prepare(HttpContext context, bool isBodyRead)
    {
        AnnounceDrain(context);
        LastAnswer.AnnounceOversizedBody(context, _maxBodyBytes);
        if (!isBodyRead) LastAnswer.AnnounceChunkedBody(context);
    }

    /// <summary>While the server drains, makes the answer that is about to begin the connection's last.</summary>
    public void AnnounceDrain(HttpContext context) => LastAnswer.AnnounceDrain(context, hub.Context);

    /// <summary>While the server drains, has the connection closed once its request has ended.</summary>
    public void CloseWhenDraining(HttpContext context) => LastAnswer.CloseWhenDraining(context, hub.Context);

    /// <summary>Refuses a WebSocket for a page that may not open one.</summary>
    /// <exception cref="WireException">403.</exception>
    public void CheckSocketOrigin(HttpContext context)
    {
        if (!origins.IsOpen) origins.CheckSocket(PageOrigin.Create(context));
    }

    private ValueTask<CallerContext> AuthenticateAsync(HttpContext context, Parameters parameters, string? callback, bool publishes, RequestForm form) =>
        form.IsAuthenticatedByHandler ? ValueTask.FromResult(context.CallerOf()) : carriers.AuthenticateAsync(context, parameters, callback is not null, publishes ? CredentialUse.Change : CredentialUse.Read);

    private Task HandleAsync<T>(HttpContext context, CallerContext caller, Parameters parameters, Func<Parameters, T> read, Handler<T> handler, string? callback, bool mayBeRaw, RequestForm form) =>
        HttpMethods.IsPost(context.Request.Method)
            ? PostAsync(context, caller, parameters, read, handler, mayBeRaw, form)
            : handler(context, caller, [read(parameters)], callback);

    /// <summary>The credential has to be verified first.</summary>
    private async Task HandleLaterAsync<T>(HttpContext context, ValueTask<CallerContext> authenticating, Parameters parameters, Func<Parameters, T> read, Handler<T> handler, string? callback, bool mayBeRaw, RequestForm form) =>
        await HandleAsync(context, await authenticating, parameters, read, handler, callback, mayBeRaw, form);

    /// <summary>The same for a handler that ends its request itself.</summary>
    private async Task WaitLaterAsync(HttpContext context, ValueTask<CallerContext> authenticating, Parameters parameters, string? callback, long began, WaitingHandler handler, RequestForm form)
    {
        Task handled;
        try
        {
            handled = handler(context, await authenticating, parameters, callback, began);
        }
        catch (Exception e)
        {
            handled = FailAsync(context, e, callback, began, form);
        }

        await handled;
    }

    /// <summary>Awaits what a verb does, and ends its request.</summary>
    private async Task FinishAsync(HttpContext context, Task handled, string? callback, long began, RequestForm form)
    {
        try
        {
            await handled;
        }
        catch (Exception e)
        {
            await FailAsync(context, e, callback, began, form);
            return;
        }

        Ended(context, began);
    }

    /// <summary>Ends a request that was answered.</summary>
    public void Ended(HttpContext context, long began) => log.Write(context, began);

    /// <summary>Answers a request that failed with what can be told of it, and ends it.</summary>
    public async Task FailAsync(HttpContext context, Exception failure, string? callback, long began, RequestForm form)
    {
        AnnounceEnd(context);
        if (failure is BadCallbackException bad)
        {
            hub.Context.Metrics.RefusedRequest(RequestRefusal.Request);
            await WriteBadCallbackAsync(context.Response, bad.Parameter);
        }
        else if (IsGone(context, failure))
        {
            // There is no client to answer; the line in the log should not say that all went well.
            if (!context.Response.HasStarted) context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
        }
        else if (!context.Response.HasStarted && WireException.From(failure) is { } error)
        {
            hub.Context.Metrics.RefusedRequest(error.Reason);
            if (form.HoldsBackErrors && callback is not null) await DelayAsync(context, HoldBackTime);
            await form.WriteErrorAsync(context.Response, callback, error);
        }
        else
        {
            LogFailed(logger, failure);
            if (context.Response.HasStarted) context.Abort();
            else await form.WriteErrorAsync(context.Response, null, WireException.FromStatus(StatusCodes.Status500InternalServerError));
        }

        Ended(context, began);
        if (tuning.IsOn && IsCutOff(context, failure)) ExceptionDispatchInfo.Throw(failure);
    }

    /// <summary>Waits; ends early when the client has gone.</summary>
    public async Task DelayAsync(HttpContext context, TimeSpan time)
    {
        try
        {
            await hub.Context.Wheel.DelayAsync(time, context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            // The client will not ask again.
        }
    }

    /// <summary>Tells whether a request failed because its client has gone. The connection may be reset before its token says so.</summary>
    private static bool IsGone(HttpContext context, Exception failure) =>
        failure is ConnectionResetException or ConnectionAbortedException
        || (context.RequestAborted.IsCancellationRequested && failure is OperationCanceledException or IOException)
        || IsCutOff(context, failure);

    /// <summary>
    /// Tells whether a body ended before its Content-Length. The web server has closed the connection then, but goes on to read a next
    /// request from it, and fails with a stack trace in the log, unless it is given the exception.
    /// </summary>
    private static bool IsCutOff(HttpContext context, Exception failure) =>
        failure is BadHttpRequestException { StatusCode: StatusCodes.Status400BadRequest }
        && context.Request.ContentLength is not null
        && HttpProtocol.IsHttp11(context.Request.Protocol);

    private async Task PostAsync<T>(HttpContext context, CallerContext caller, Parameters query, Func<Parameters, T> read, Handler<T> handler, bool mayBeRaw, RequestForm form)
    {
        string? callback = null;
        try
        {
            var reading = RequestBody.ReadAsync(context.Request, query, hub.Context.Options.Limits, hub.Context.Bodies, mayBeRaw, read);
            var elements = reading.IsCompletedSuccessfully ? reading.Result : await InTimeAsync(reading, context.Request.BodyReader);
            callback = CallbackOf(query);
            query.ThrowIfRefused();
            await handler(context, caller, elements ?? [read(query)], callback);
        }
        catch (Exception e) when (callback is not null && !context.Response.HasStarted && WireException.From(e) is { } error)
        {
            // The callback may have come in the body.
            hub.Context.Metrics.RefusedRequest(error.Reason);
            AnnounceEnd(context);
            await form.WriteErrorAsync(context.Response, callback, error);
        }
        finally
        {
            hub.Context.Bodies.Cover(ref query.HeldBytes, 0);
        }
    }

    /// <summary>Bounds the time that a whole body takes; the web server's own bound is on its average rate alone, and lets a large one trickle.</summary>
    private async ValueTask<T> InTimeAsync<T>(ValueTask<T> reading, PipeReader body)
    {
        using var deadline = new ReadDeadline(hub.Context.Wheel, body, hub.Context.Options.Limits.BodyTimeout);
        return await reading;
    }

    /// <summary>Tells of a refusal whether it is the connection's last answer.</summary>
    private void AnnounceEnd(HttpContext context)
    {
        if (context.Response.HasStarted) return;
        AnnounceDrain(context);
        LastAnswer.AnnounceChunkedBody(context);
    }

    private void CheckOrigin(HttpContext context, RequestForm form)
    {
        if (!origins.IsOpen) origins.Check(PageOrigin.Create(context));
        if (!form.IsOfAdministration || access.IsOn) return;

        // Whoever reaches it may administer, and a browser reaches it for every page that it shows.
        var page = PageOrigin.Create(context);
        if (!origins.TakesCookies(page)) page.Check(static _ => false, "CComet:Cors:Origins (which is empty)");
    }

    private string? CallbackOf(Parameters parameters)
    {
        var callback = parameters.Known.Callback;
        if (parameters.Refused == callback) throw new BadCallbackException(callback);
        if (!parameters.Has(callback)) return null;
        if (!_mayCallBack) throw WireException.Forbidden(callback, "JSONP is switched off here, by CComet:Jsonp:Enabled.");
        try
        {
            return parameters.Optional(callback) is { } name && Jsonp.IsName(name) ? name : throw new BadCallbackException(callback);
        }
        catch (WireException)
        {
            throw new BadCallbackException(callback);
        }
    }

    /// <summary>The one refusal that is plain text, because no form of the caller's is left.</summary>
    private static Task WriteBadCallbackAsync(HttpResponse response, string parameter) => ResponseWriter.WriteAsync(
        response,
        new ResponseHead(StatusCodes.Status400BadRequest, "text/plain; charset=utf-8"),
        Encoding.ASCII.GetBytes($"{parameter}: must be one name of letters, digits, _ and $, parts joined by dots, at most 128 characters.\n"));

    [LoggerMessage(Level = LogLevel.Error, Message = "A request failed")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    /// <summary>A callback that cannot be called.</summary>
    private sealed class BadCallbackException(string parameter) : Exception
    {
        public string Parameter => parameter;
    }
}
