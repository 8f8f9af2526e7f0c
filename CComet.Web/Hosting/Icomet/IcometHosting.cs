using CComet.Http.Icomet;
using Microsoft.Extensions.Options;

namespace CComet.Web.Hosting.Icomet;

/// <summary>Adds icomet's dialect to the server, where it has an address.</summary>
internal static partial class IcometHosting
{
    /// <summary>Adds its services.</summary>
    public static void AddIcomet(this IServiceCollection services, IConfiguration settings)
    {
        services.AddOptions<IcometSettings>().Bind(settings).ValidateOnStart();
        services.AddSingleton<IValidateOptions<IcometSettings>, IcometSettingsValidator>();
        var icomet = settings.Get<IcometSettings>() ?? new IcometSettings();
        if (!icomet.IsOn) return;
        services.AddSingleton(icomet);
        services.AddIcometDialect(new IcometOptions(icomet.Auth == IcometAuth.Token, icomet.ChannelTimeout));
        services.AddSingleton<IcometEdge>();
    }

    /// <summary>Listens on its addresses, and answers what comes there.</summary>
    public static void UseIcomet(this WebApplication app)
    {
        if (app.Services.GetService<IcometSettings>() is not { } settings) return;
        IcometAddresses.Listen(app, settings);
        var edge = app.Services.GetRequiredService<IcometEdge>();
        app.Use(next => context => edge.AnswerAsync(context, next));
        app.Lifetime.ApplicationStarted.Register(() =>
        {
            if (settings.Front.Length > 0) LogSide(app.Logger, "front", settings.Front);
            if (settings.Admin.Length > 0) LogSide(app.Logger, "admin", settings.Admin);
        });
    }

    /// <summary>Whether an address is one of icomet's dialect.</summary>
    public static bool IsIcomet(this WebApplication app, string address) =>
        app.Services.GetService<IcometSettings>() is { } settings && BindingAddress.Parse(address).Port is var port
        && (port == IcometAddresses.PortOf(settings.Front) || port == IcometAddresses.PortOf(settings.Admin));

    [LoggerMessage(Level = LogLevel.Information, Message = "icomet {Side}: {Address}")]
    private static partial void LogSide(ILogger logger, string side, string address);
}
