using CComet.Web.Hosting.Settings;

namespace CComet.Web.Hosting.Admin;

/// <summary>The addresses of administration, as they are configured.</summary>
internal static class AdminAddresses
{
    public const string Urls = "CComet:Admin:Urls";

    /// <summary>Lists the addresses, in either way in which a list is written.</summary>
    public static IReadOnlyList<string> Of(IConfiguration configuration)
    {
        var section = configuration.GetSection(Urls);
        return [.. section.GetChildren().Select(element => element.Value).Prepend(section.Value).OfType<string>().SelectMany(SettingText.Split)];
    }
}
