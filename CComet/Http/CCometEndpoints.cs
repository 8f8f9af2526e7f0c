using Microsoft.Extensions.DependencyInjection;

namespace CComet.Http;

/// <summary>Registers the services of the HTTP endpoints.</summary>
internal static class CCometEndpoints
{
    /// <summary>Adds what the endpoints are made of.</summary>
    public static void AddCCometEndpoints(this IServiceCollection services)
    {
        services.AddSingleton<CrossOrigin>();
        services.AddSingleton<RequestLog>();
        services.AddSingleton<RequestPipeline>();
        services.AddSingleton<WirePaths>();
        services.AddSingleton<Edge>();
    }
}
