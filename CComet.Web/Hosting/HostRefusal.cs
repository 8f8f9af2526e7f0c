using CComet.Dialects.Native;
using CComet.Http;
using Microsoft.AspNetCore.HostFiltering;

namespace CComet.Web.Hosting;

/// <summary>Gives the refusal of a host that <c>AllowedHosts</c> does not name the form of every other refusal.</summary>
/// <remarks>The host filter stands before the application's own middleware, and by itself answers with a page of HTML.</remarks>
internal sealed class HostRefusal : IStartupFilter
{
    /// <summary>Puts it before the host filter.</summary>
    public static void Register(IServiceCollection services)
    {
        services.Insert(0, ServiceDescriptor.Singleton<IStartupFilter, HostRefusal>());
        services.Configure<HostFilteringOptions>(filter => filter.IncludeFailureMessage = false);
    }

    /// <inheritdoc/>
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        // Not async: a request that waits would hold the state machine.
        app.Use(following => context =>
        {
            var answered = following(context);
            return answered.IsCompletedSuccessfully && IsEmptyRefusal(context.Response)
                ? ResponseWriter.WriteErrorAsync(context.Response, null, WireException.Bad("Host", "this server is not called by that name; the setting AllowedHosts lists its names."))
                : answered;
        });
        next(app);
    };

    /// <summary>Whether the request was refused without an answer, as the host filter alone does.</summary>
    private static bool IsEmptyRefusal(HttpResponse response) => response is { StatusCode: StatusCodes.Status400BadRequest, HasStarted: false };
}
