namespace CComet.Web.Hosting.Icomet;

/// <summary>Has the web server listen on the addresses of icomet's dialect beside its own.</summary>
internal static class IcometAddresses
{
    public const string Front = "CComet:Icomet:Front";
    public const string Admin = "CComet:Icomet:Admin";
    public const string Auth = "CComet:Icomet:Auth";

    /// <summary>Returns the port of an address; 0 for none.</summary>
    public static int PortOf(string address) => address.Length == 0 ? 0 : BindingAddress.Parse(address).Port;

    /// <summary>Lists the addresses, each with the setting that holds it.</summary>
    public static IEnumerable<(string Key, string Address)> Of(IConfiguration configuration) =>
        from key in (string[])[Front, Admin]
        where configuration[key] is { Length: > 0 }
        select (key, configuration[key]!);

    /// <summary>Adds the addresses to those of the server.</summary>
    public static void Listen(WebApplication app, IcometSettings settings)
    {
        if (settings.IsOn) app.ListenToo([.. ((string[])[settings.Front, settings.Admin]).Where(address => address.Length > 0)]);
    }
}
