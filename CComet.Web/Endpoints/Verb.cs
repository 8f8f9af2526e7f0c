using CComet.Web.Hub;
using CComet.Web.Transports;

namespace CComet.Web.Endpoints;

/// <summary>What every verb of the wire has in common: its parameters, JSONP, and how a refusal is told.</summary>
internal sealed partial class Verb(ChannelHub hub, RequestLog log, ILogger<Verb> logger)
{
    /// <summary>An error answer to a JSONP poll waits this long, because the client of 2014 asks again at once.</summary>
    public static readonly TimeSpan HoldBack = TimeSpan.FromSeconds(1);

    /// <summary>What a verb does with a request whose parameters have been read.</summary>
    public delegate Task Handler(HttpContext context, IReadOnlyList<Parameters> parameters, string? callback);

    /// <summary>Makes a verb's request delegate.</summary>
    /// <param name="handler">What it does.</param>
    /// <param name="mayBeRaw">Whether its body may be a raw message, or an array of messages.</param>
    /// <param name="holdsBackErrors">Whether an error as JSONP is held back.</param>
    public RequestDelegate Of(Handler handler, bool mayBeRaw = false, bool holdsBackErrors = false) => context =>
    {
        var began = log.Begin();
        string? callback = null;
        Task handled;
        try
        {
            var parameters = RequestBody.ReadQuery(context.Request);

            // Before the body is read, so that what is wrong with it is told in the caller's form.
            callback = CallbackOf(parameters);
            handled = HttpMethods.IsPost(context.Request.Method) ? PostAsync(context, parameters, handler, mayBeRaw) : handler(context, [parameters], callback);
        }
        catch (Exception e)
        {
            handled = Task.FromException(e);
        }

        return FinishAsync(context, handled, callback, holdsBackErrors, began);
    };

    private async Task PostAsync(HttpContext context, Parameters query, Handler handler, bool mayBeRaw)
    {
        var all = await RequestBody.ReadAsync(context.Request, query, hub.Options.Limits, mayBeRaw);
        var callback = CallbackOf(all[0]);
        try
        {
            await handler(context, all, callback);
        }
        catch (Exception e) when (callback is not null && !context.Response.HasStarted && WireException.From(e) is { } error)
        {
            // The callback may have come in the body.
            await Answers.WriteErrorAsync(context, callback, error);
        }
    }

    /// <summary>The one thing that waits as long as the request does, and so holds little.</summary>
    private async Task FinishAsync(HttpContext context, Task handled, string? callback, bool holdsBackErrors, long began)
    {
        try
        {
            await handled;
        }
        catch (BadCallbackException)
        {
            await WriteBadCallbackAsync(context.Response);
        }
        catch (Exception e) when (!context.Response.HasStarted && WireException.From(e) is { } error)
        {
            if (holdsBackErrors && callback is not null) await hub.Wheel.DelayAsync(HoldBack, context.RequestAborted);
            await Answers.WriteErrorAsync(context, callback, error);
        }
        catch (Exception e) when (context.RequestAborted.IsCancellationRequested && e is OperationCanceledException or IOException)
        {
            // The client has gone; there is nobody to answer.
        }
        catch (Exception e)
        {
            LogFailed(logger, e);
            if (context.Response.HasStarted) context.Abort();
            else await Answers.WriteErrorAsync(context, null, WireException.Of(StatusCodes.Status500InternalServerError));
        }

        log.Write(context, began);
    }

    private static string? CallbackOf(Parameters parameters)
    {
        if (!parameters.Has("callback")) return null;
        try
        {
            return parameters.Optional("callback") is { } name && Jsonp.IsName(name) ? name : throw new BadCallbackException();
        }
        catch (WireException)
        {
            throw new BadCallbackException();
        }
    }

    /// <summary>The one refusal that is plain text, because no form of the caller's is left.</summary>
    private static Task WriteBadCallbackAsync(HttpResponse response)
    {
        response.StatusCode = StatusCodes.Status400BadRequest;
        response.ContentType = "text/plain; charset=utf-8";
        Answers.SetCommonHeaders(response);
        return Answers.WriteBodyAsync(response, "callback: must be one name of letters, digits, _ and $, parts joined by dots, at most 128 characters.\n"u8.ToArray());
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A request failed")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    /// <summary>A callback that cannot be called.</summary>
    private sealed class BadCallbackException : Exception;
}
