namespace CComet.Web.Hosting.Admin;

/// <summary>Puts administration into the server.</summary>
internal static partial class AdminHosting
{
    /// <summary>Adds its services.</summary>
    public static void AddAdmin(this IServiceCollection services, IConfiguration settings)
    {
        services.AddSingleton(settings.Get<AdminSettings>() ?? new AdminSettings());
        services.AddSingleton<AdminGate>();
    }

    /// <summary>Listens on its addresses.</summary>
    public static void UseAdmin(this WebApplication app)
    {
        app.Services.GetRequiredService<AdminGate>().Enable();
        var addresses = app.Services.GetRequiredService<AdminSettings>().Urls;
        if (addresses.Count == 0) return;
        app.ListenToo(addresses);
        app.Lifetime.ApplicationStarted.Register(() =>
        {
            foreach (var address in addresses) LogAddress(app.Logger, address);
        });
    }

    /// <summary>Whether an address is one of administration.</summary>
    public static bool IsAdmin(this WebApplication app, string address) => app.Services.GetRequiredService<AdminGate>().Ports.Contains(BindingAddress.Parse(address).Port);

    [LoggerMessage(Level = LogLevel.Information, Message = "Administration: {Address}/admin/")]
    private static partial void LogAddress(ILogger logger, string address);
}
