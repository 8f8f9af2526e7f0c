using CComet.Web.Hub;
using CComet.Web.Transports;

namespace CComet.Web.Endpoints;

/// <summary>What every verb of the wire has in common: its parameters, JSONP, and how a refusal is told.</summary>
internal sealed class Verb(ChannelHub hub)
{
    /// <summary>An error answer to a JSONP poll waits this long, because the client of 2014 asks again at once.</summary>
    public static readonly TimeSpan HoldBack = TimeSpan.FromSeconds(1);

    /// <summary>What a verb does with a request whose parameters have been read.</summary>
    public delegate Task Handler(HttpContext context, IReadOnlyList<Parameters> parameters, string? callback);

    /// <summary>Makes a verb's request delegate.</summary>
    /// <param name="handler">What it does.</param>
    /// <param name="mayBeRaw">Whether its body may be a raw message, or an array of messages.</param>
    /// <param name="holdsBackErrors">Whether an error as JSONP is held back.</param>
    public RequestDelegate Of(Handler handler, bool mayBeRaw = false, bool holdsBackErrors = false) => async context =>
    {
        string? callback = null;
        try
        {
            var parameters = RequestBody.ReadQuery(context.Request);

            // Before the body is read, so that what is wrong with it is told in the caller's form.
            callback = CallbackOf(parameters);
            IReadOnlyList<Parameters> all = [parameters];
            if (HttpMethods.IsPost(context.Request.Method))
            {
                all = await RequestBody.ReadAsync(context.Request, parameters, hub.Options.Limits, mayBeRaw);
                callback = CallbackOf(all[0]);
            }

            await handler(context, all, callback);
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
    };

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

    /// <summary>A callback that cannot be called.</summary>
    private sealed class BadCallbackException : Exception;
}
