namespace CComet.Web.Hosting;

/// <summary>The HTTP clients by which the application is asked and told, and what is the same for all of them.</summary>
internal static class ApplicationClient
{
    /// <summary>Adds one. Nothing of its requests is logged by itself: an address may hold a password.</summary>
    /// <param name="services">The services of the server.</param>
    /// <param name="name">Its name.</param>
    /// <param name="configure">Sets what is its own.</param>
    /// <param name="configureHandler">Sets what its connections have of their own.</param>
    public static void AddApplicationClient(this IServiceCollection services, string name, Action<HttpClient>? configure = null, Action<SocketsHttpHandler>? configureHandler = null) =>
        services.AddHttpClient(name, client =>
            {
                // Who asks has a clock of its own.
                client.Timeout = Timeout.InfiniteTimeSpan;
                configure?.Invoke(client);
            })
            .RemoveAllLoggers()
            .ConfigurePrimaryHttpMessageHandler(() =>
            {
                var handler = new SocketsHttpHandler
                {
                    // A redirect would take what is told of users, or a signature, elsewhere.
                    AllowAutoRedirect = false,
                    UseCookies = false,
                    UseProxy = false,
                    PooledConnectionLifetime = TimeSpan.FromMinutes(2),
                };
                configureHandler?.Invoke(handler);
                return handler;
            });
}
