using CComet.Client;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers <see cref="CCometClient"/>.</summary>
public static class CCometServiceCollectionExtensions
{
    /// <summary>The name of the HTTP client in <see cref="IHttpClientFactory"/>.</summary>
    public const string HttpClientName = "CComet";

    /// <summary>Registers one <see cref="CCometClient"/> for the application's life.</summary>
    /// <param name="services">Where it is registered.</param>
    /// <param name="url">The server's address, http or https.</param>
    /// <param name="configure">Sets the options; null for the defaults. <see cref="CCometClientOptions.HttpClientFactory"/> is set to <see cref="IHttpClientFactory"/>, and <see cref="CCometClientOptions.OnRetry"/> to the log, unless it sets them.</param>
    /// <returns>The builder of the HTTP client, to add handlers to. Its timeout is infinite: the client has timers of its own.</returns>
    /// <remarks>The client asks the factory at each request, so that handlers are replaced as the factory has it. A <see cref="TimeProvider"/> that is registered is used.</remarks>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> or <paramref name="url"/> is null.</exception>
    public static IHttpClientBuilder AddCCometClient(this IServiceCollection services, Uri url, Action<IServiceProvider, CCometClientOptions>? configure = null)
    {
        if (services is null) throw new ArgumentNullException(nameof(services));
        if (url is null) throw new ArgumentNullException(nameof(url));
        services.TryAddSingleton(provider =>
        {
            var factory = provider.GetRequiredService<IHttpClientFactory>();
            var options = new CCometClientOptions { HttpClientFactory = () => factory.CreateClient(HttpClientName) };
            if (provider.GetService<TimeProvider>() is { } time) options.TimeProvider = time;
            if (provider.GetService<ILogger<CCometClient>>() is { } logger) options.OnRetry = retry => ClientLog.Retrying(logger, retry.Delay, retry.Exception.Message, retry.Exception);
            configure?.Invoke(provider, options);
            return new CCometClient(url, options);
        });
        return services.AddHttpClient(HttpClientName, http => http.Timeout = Timeout.InfiniteTimeSpan);
    }
}
