using CComet.Access;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace CComet.Web.Hosting.Access;

/// <summary>Adds what verifies bearer tokens.</summary>
internal static class TokenServices
{
    /// <summary>Adds it, where the settings ask for tokens.</summary>
    /// <param name="builder">The application's builder.</param>
    /// <param name="settings">The section <c>CComet</c>.</param>
    /// <exception cref="StartException">The settings of authentication cannot verify a token.</exception>
    public static void AddTokens(this WebApplicationBuilder builder, IConfiguration settings)
    {
        if (settings.GetValue<AuthMode?>("Auth:Mode") != AuthMode.Token) return;
        var isDevelopment = builder.Environment.IsDevelopment();
        SchemeSettings.Read(builder.Configuration, isDevelopment);
        var services = builder.Services;
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new JwtSchemes(
            isDevelopment,
            provider.GetRequiredService<IOptions<HubOptions>>().Value.Auth.MaxTokenLife,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<JwtVerifier>>()));
        services.AddSingleton(provider => new JwtVerifier(provider.GetRequiredService<JwtSchemes>(), builder.Configuration));
        services.AddSingleton<ITokenVerifier>(provider => provider.GetRequiredService<JwtVerifier>());
        services.AddSingleton(new SettingsFiles(builder.Configuration));
        services.AddHostedService<KeyRefreshService>();
    }
}
