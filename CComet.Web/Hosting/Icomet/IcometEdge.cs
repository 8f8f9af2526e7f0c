using CComet.Http;
using CComet.Http.Icomet;
using CComet.Http.Requests;
using CComet.Web.Hosting.Cors;
using Microsoft.AspNetCore.Http.Features;

namespace CComet.Web.Hosting.Icomet;

/// <summary>Answers what comes to the addresses of icomet's dialect, by the path and the method exactly as they came. Nothing else of the server is served there.</summary>
internal sealed class IcometEdge(IcometPaths paths, RequestPipeline pipeline, RequestLog log, CrossOrigin crossOrigin, IcometSettings settings)
{
    private readonly int _frontPort = IcometAddresses.PortOf(settings.Front);
    private readonly int _adminPort = IcometAddresses.PortOf(settings.Admin);
    private readonly AllowedClients _allowed = new(settings.Allow);

    /// <summary>Answers a request that came to one of the addresses; others go on to <paramref name="next"/>.</summary>
    public Task AnswerAsync(HttpContext context, RequestDelegate next)
    {
        var port = context.Features.Get<IHttpConnectionFeature>()?.LocalPort ?? 0;
        if (port == 0 || (port != _frontPort && port != _adminPort)) return next(context);
        if (port == _adminPort && !_allowed.Contains(context.Features.Get<IHttpConnectionFeature>()!.RemoteIpAddress)) return RefuseAsync(context, StatusCodes.Status403Forbidden, "Forbidden");

        crossOrigin.SetHeaders(context.Response.Headers, context.Request.Headers.Origin, variesByAccept: false);
        var path = RawPath.Read(context).ToString();
        var found = port == _adminPort ? paths.FindAdmin(path) : paths.FindFront(path);
        if (found?.Takes(context.Request.Method) == true)
        {
            pipeline.Prepare(context, isBodyRead: HttpMethods.IsPost(context.Request.Method));
            return found.Answer(context);
        }

        pipeline.Prepare(context, isBodyRead: false);
        if (found is null) return RefuseAsync(context, StatusCodes.Status404NotFound, "Not Found");
        context.Response.Headers.Allow = string.Join(", ", found.Methods.ToArray());
        return RefuseAsync(context, StatusCodes.Status405MethodNotAllowed, "Method Not Allowed");
    }

    private async Task RefuseAsync(HttpContext context, int status, string text)
    {
        var began = log.Begin();
        await IcometForm.WriteTextAsync(context.Response, status, text);
        log.Write(context, began);
    }
}
