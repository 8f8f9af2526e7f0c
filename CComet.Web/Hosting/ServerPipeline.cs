using CComet.Dialects.Native;
using CComet.Http;
using CComet.Web.Hosting.Admin;
using CComet.Web.Hosting.Icomet;

namespace CComet.Web.Hosting;

/// <summary>The middleware of the server, in its order.</summary>
internal static class ServerPipeline
{
    /// <summary>Answers every path of the contract, and serves the pages. Refusals from below (no such path, wrong method, a failure) are told in the same form.</summary>
    public static void UseCComet(this WebApplication app)
    {
        var edge = app.Services.GetRequiredService<Edge>();
        var log = app.Services.GetRequiredService<RequestLog>();
        app.UseForwarding();
        app.UseIcomet();
        app.UseAdmin();
        app.Use(next => context => edge.AnswerVerbAsync(context, next));
        app.Use(async (context, next) =>
        {
            var began = log.Begin();
            await next(context);
            log.Write(context, began);
        });
        app.UseExceptionHandler(handler => handler.Run(context => ResponseWriter.WriteErrorAsync(context.Response, null, WireException.FromStatus(StatusCodes.Status500InternalServerError))));
        app.UseStatusCodePages(pages => ResponseWriter.WriteErrorAsync(pages.HttpContext.Response, null, WireException.FromStatus(pages.HttpContext.Response.StatusCode)));
        app.Use(next => context => edge.DispatchAsync(context, next));
        app.UseStaticPages();
    }
}
