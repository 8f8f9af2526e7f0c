using CComet.Web.Hosting.Cors;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.Primitives;

namespace CComet.Web.Hosting;

/// <summary>Serves <c>wwwroot</c>: the chat, the page of administration, and the JavaScript client that pages of other origins load.</summary>
internal static class StaticPages
{
    private const string ResourcePolicy = "Cross-Origin-Resource-Policy";

    /// <summary>Everything from the server itself, no inline script or style, and in nobody's frame.</summary>
    private static readonly StringValues ContentPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly StringValues AllowedMethods = "GET, HEAD";
    private static readonly StringValues NoSniff = "nosniff";
    private static readonly StringValues NoReferrer = "no-referrer";
    private static readonly StringValues CrossOriginToo = "cross-origin";
    private static readonly StringValues SameOrigin = "same-origin";

    /// <summary>Adds them, behind the check that a path is written plainly.</summary>
    public static void UseStaticPages(this WebApplication app)
    {
        var crossOrigin = app.Services.GetRequiredService<CrossOrigin>();
        var files = app.Environment.WebRootFileProvider;
        app.Use(next => context =>
        {
            if (context.Request.Method is "GET" or "HEAD") return next(context);
            var isFile = context.Request.Path.Value is { Length: > 0 } path && files.GetFileInfo(path.EndsWith('/') ? path + "index.html" : path).Exists;
            if (isFile) context.Response.Headers.Allow = AllowedMethods;
            context.Response.StatusCode = isFile ? StatusCodes.Status405MethodNotAllowed : StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        });
        app.UseDefaultFiles();
        app.UseStaticFiles(new StaticFileOptions { OnPrepareResponse = answer => SetHeaders(answer, crossOrigin) });
    }

    private static void SetHeaders(StaticFileResponseContext answer, CrossOrigin crossOrigin)
    {
        var headers = answer.Context.Response.Headers;
        headers.XContentTypeOptions = NoSniff;
        headers.ContentSecurityPolicy = ContentPolicy;
        headers["Referrer-Policy"] = NoReferrer;

        // A page that is cross-origin isolated loads only what says that it may be loaded.
        headers[ResourcePolicy] = Path.GetExtension(answer.File.Name) is ".js" or ".mjs" ? CrossOriginToo : SameOrigin;
        crossOrigin.SetFileHeaders(headers);
    }
}
