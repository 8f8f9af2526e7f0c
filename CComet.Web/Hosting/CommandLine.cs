using CComet.Web.Hosting.Settings;

namespace CComet.Web.Hosting;

/// <summary>Checks the arguments of the program. .NET ignores each one that it does not understand.</summary>
internal static class CommandLine
{
    private static readonly string[] HelpSwitches = ["--help", "-h", "-?", "/?"];

    /// <summary>What the host, the web server and the log read.</summary>
    private static readonly string[] HostKeys =
    [
        "urls", "http_ports", "https_ports", "https_port", "environment", "contentRoot", "webroot", "applicationName", "AllowedHosts", "detailedErrors",
        "startupAssembly", "hostingStartupAssemblies", "hostingStartupExcludeAssemblies", "preventHostingStartup", "captureStartupErrors", "preferHostingUrls",
        "suppressStatusMessages", "shutdownTimeoutSeconds", "staticWebAssets", "forwardedHeaders_enabled",
    ];

    private static readonly string[] Sections = [SettingsCatalogue.Root, "Kestrel", "Logging", "Serilog", "Authentication", "hostBuilder"];

    /// <summary>Returns what <c>--help</c> or <c>--version</c> prints, or null when neither is among the arguments.</summary>
    public static string? Answer(string[] args)
    {
        if (args.Any(a => HelpSwitches.Contains(a, StringComparer.OrdinalIgnoreCase))) return HelpText.Format(SettingsCatalogue.Server);
        return args.Contains("--version", StringComparer.OrdinalIgnoreCase) ? HelpText.Version + Environment.NewLine : null;
    }

    /// <summary>Refuses arguments that are no configuration, or that nothing reads.</summary>
    /// <exception cref="StartException">An argument means nothing.</exception>
    public static void Check(string[] args)
    {
        for (var i = 0; i < args.Length; i++)
        {
            var argument = args[i];
            var prefix = argument.StartsWith("--", StringComparison.Ordinal) ? 2 : argument.StartsWith('/') ? 1 : 0;
            var equals = argument.IndexOf('=', StringComparison.Ordinal);
            var key = equals < 0 ? argument[prefix..] : argument[prefix..equals];
            if (argument.StartsWith('-') && prefix == 0) throw Unknown(key);
            if (prefix == 0 && equals < 0) throw new StartException($"'{argument}' is no argument; a setting is written --NAME=VALUE. See --help.");

            // The host of a test hands on what it has of a section itself: nothing.
            if (equals == argument.Length - 1 && Sections.Contains(key, StringComparer.OrdinalIgnoreCase)) continue;
            if (!IsKnown(key)) throw Unknown(argument[..prefix] + key);
            if (equals >= 0) continue;

            // The value is the next argument.
            if (++i == args.Length || args[i].StartsWith("--", StringComparison.Ordinal)) throw new StartException($"{argument} has no value; write {argument}=VALUE.");
        }
    }

    private static bool IsKnown(string key) =>
        HostKeys.Contains(key, StringComparer.OrdinalIgnoreCase)
        || key.StartsWith("OTEL_", StringComparison.Ordinal)
        || Sections.Any(section => key.StartsWith($"{section}:", StringComparison.OrdinalIgnoreCase));

    private static StartException Unknown(string argument)
    {
        var key = argument.TrimStart('-', '/');
        var nearest = HostKeys.FirstOrDefault(k => k.Equals(key, StringComparison.OrdinalIgnoreCase))
            ?? (key.Contains(':', StringComparison.Ordinal) ? SettingsCatalogue.Server.Nearest($"{SettingsCatalogue.Root}:{key}") ?? SettingsCatalogue.Server.Nearest(key) : null)
            ?? (key.Contains("port", StringComparison.OrdinalIgnoreCase) || key.Contains("url", StringComparison.OrdinalIgnoreCase) ? "urls" : null);
        return new StartException($"{argument} is no setting; {(nearest is null ? "see --help." : $"did you mean --{nearest}?")}");
    }
}
