using CComet.Dialects.Native;
using CComet.Http;
using CComet.Http.Requests;
using CComet.Web.Hosting.Admin;
using CComet.Web.Hosting.Cors;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace CComet.Web.Hosting;

/// <summary>
/// Finds what a request is for, by the path and the method exactly as they came: <c>/PUB</c>, <c>/%70ub</c>, <c>//pub</c> and
/// <c>get</c> are none of ours, and so get past no rule of a proxy.
/// </summary>
internal sealed class Edge(WirePaths paths, RequestPipeline pipeline, CrossOrigin crossOrigin, AdminGate gate, IOptions<ServerOptions> options)
{
    private static readonly StringValues NoStore = "no-store";

    private readonly PathString _pathBase = options.Value.PathBase;

    /// <summary>
    /// Answers requests for the verbs before any other middleware sees them: a waiting subscriber holds what each one on its way
    /// has put aside for it, which together is more than itself. What they would do for it (the line in the log, telling a
    /// failure) is done by <see cref="RequestPipeline"/>, and holds nothing. Everything else goes on to <see cref="DispatchAsync"/>.
    /// </summary>
    public Task AnswerVerbAsync(HttpContext context, RequestDelegate next)
    {
        var found = TryStripBase(context, out var path) ? paths.Find(path) : null;
        if (!gate.Has(context, path, found)) found = null;

        // No page of another origin reads what belongs to the administration.
        if (found?.IsOfAdministration != true) crossOrigin.SetHeaders(context.Response.Headers, context.Request.Headers.Origin, found?.VariesByAccept == true);
        var isAnswered = found?.IsVerb == true && found.Takes(context.Request.Method);
        pipeline.Prepare(context, isBodyRead: isAnswered && HttpMethods.IsPost(context.Request.Method));
        if (!isAnswered) return next(context);
        EnterBase(context.Request, found!.Path);
        return found.Answer(context);
    }

    /// <summary>Answers what is no verb, and what is refused: health, preflights, 404 and 405. Files go on to <paramref name="next"/>.</summary>
    public Task DispatchAsync(HttpContext context, RequestDelegate next)
    {
        if (!TryStripBase(context, out var raw)) return Refuse(context, StatusCodes.Status404NotFound);
        var request = context.Request;
        var found = paths.Find(raw);
        if (!gate.Has(context, raw, found)) return Refuse(context, StatusCodes.Status404NotFound);
        PathString rest = default;
        if (found is null && !(request.Path.StartsWithSegments(_pathBase, StringComparison.Ordinal, out rest) && RawPath.IsPlain(raw, rest)))
            return Refuse(context, StatusCodes.Status404NotFound);

        EnterBase(request, found?.Path ?? rest);
        if (CrossOrigin.IsPreflight(request)) return AnswerPreflightAsync(context, takesDelete: found?.Takes(HttpMethods.Delete) == true);
        if (found is null) return next(context);
        if (found.Takes(request.Method)) return found.Answer(context);
        context.Response.Headers.Allow = found.Methods.Count == 1 ? found.Methods : string.Join(", ", found.Methods.ToArray());
        return Refuse(context, StatusCodes.Status405MethodNotAllowed);
    }

    private static Task Refuse(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    private Task AnswerPreflightAsync(HttpContext context, bool takesDelete)
    {
        try
        {
            crossOrigin.AnswerPreflight(context, takesDelete);
            context.Response.Headers.CacheControl = NoStore;
            return Task.CompletedTask;
        }
        catch (WireException refusal)
        {
            return ResponseWriter.WriteErrorAsync(context.Response, null, refusal);
        }
    }

    /// <summary>Takes the path base off the path as it came.</summary>
    private bool TryStripBase(HttpContext context, out ReadOnlySpan<char> path)
    {
        path = RawPath.Read(context);
        if (!_pathBase.HasValue) return true;
        if (!path.StartsWith(_pathBase.Value, StringComparison.Ordinal)) return false;
        path = path[_pathBase.Value.Length..];
        return path.IsEmpty || path[0] == '/';
    }

    /// <summary>Moves the path base from the path to where it belongs, behind one that a proxy has told of.</summary>
    private void EnterBase(HttpRequest request, PathString path)
    {
        if (!_pathBase.HasValue) return;
        request.PathBase = request.PathBase.Add(_pathBase);
        request.Path = path;
    }
}
