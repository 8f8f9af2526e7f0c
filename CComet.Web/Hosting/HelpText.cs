using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using CComet.Web.Hosting.Settings;

namespace CComet.Web.Hosting;

/// <summary>Writes what <c>--help</c> and <c>--version</c> print; the settings are those of the catalogue, which README's table has too.</summary>
internal static partial class HelpText
{
    private const string Usage = """
        Usage: CComet.Web [--NAME=VALUE | --NAME VALUE]...
               CComet.Web token [--sub USER] [--subscribe PATTERN]... [--publish PATTERN]... [--ttl 1h]...
               CComet.Web explain --token TOKEN | --anonymous --verb VERB --channel CHANNEL

        token prints a token for development, explain says what gives a caller a right or what is missing: CComet.Web token --help.
        Both read settings as the server does.

        A setting is given on the command line (--CComet:Poll:Timeout=00:00:20), as a variable of the environment
        (CComet__Poll__Timeout=00:00:20), or in appsettings.json in the content root. The first of these that has it counts.
        A list is written with commas (--CComet:Cors:Origins=https://a.example,https://b.example) or element by element
        (--CComet:Cors:Origins:0=https://a.example); a list of records member by member (--CComet:Auth:Rules:0:Who=user).

        Of the host and the web server:
          --urls=http://0.0.0.0:8080     the addresses to listen on, with ; between them; http://unix:/run/ccomet.sock is a socket
          --environment=Production       the name of the environment: appsettings.NAME.json is read too
          --contentRoot=FOLDER           where appsettings.json and wwwroot are; by default the program's own folder
          --Kestrel:Certificates:Default:Path=FILE --Kestrel:Certificates:Default:Password=TEXT     for https
          --Authentication:Schemes:Bearer:Authority=https://ISSUER --Authentication:Schemes:Bearer:ValidAudiences:0=NAME
                                         whose tokens count, with CComet:Auth:Mode=Token
          --Serilog:MinimumLevel:Default=Debug     what is logged
          --help, -h, -?                 this text
          --version                      the version

        Of CComet, with their defaults:
        """;

    private const string Rest = """

        Examples:
          CComet.Web --urls=http://0.0.0.0:8080 --CComet:Auth:Mode=Token
          CComet.Web --CComet:Store:Kind=Redis --CComet:Store:Redis=redis.example:6379,password=...
          CComet__Store__Path=/var/lib/ccomet/ccomet.db CComet.Web --CComet:History:MaxAge=7.00:00:00

        Exit codes: 0 stopped as it was told to, 1 could not start (one line on standard error says why); of explain also 3, not allowed.
        """;

    /// <summary>The name of the program and its version.</summary>
    public static string Version { get; } =
        $"CComet {typeof(HelpText).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]}";

    public static string Format(SettingsCatalogue settings)
    {
        var text = new StringBuilder().AppendLine(Version).AppendLine().AppendLine(Usage);
        foreach (var setting in settings.All)
        {
            var bounds = setting.Bounds.Replace("`", "", StringComparison.Ordinal);
            text.AppendLine(CultureInfo.InvariantCulture, $"  --{setting.Name}={(setting.IsList ? "" : setting.Default)}");
            text.AppendLine(CultureInfo.InvariantCulture, $"      {Link().Replace(setting.Description, "$1 ($2)")}{(bounds.Length > 0 ? $" ({bounds})" : "")}");
            foreach (var member in setting.Members)
                text.AppendLine(CultureInfo.InvariantCulture, $"      --{setting.MemberOf(0, member).Name}=  {member.Description}");
        }

        return text.AppendLine(Rest).ToString();
    }

    [GeneratedRegex(@"\[([^\]]*)\]\(([^)]*)\)")]
    private static partial Regex Link();
}
