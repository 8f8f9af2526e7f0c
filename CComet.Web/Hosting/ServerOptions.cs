using System.ComponentModel;
using CComet.Web.Hosting.Cors;
using Microsoft.Extensions.Options;

namespace CComet.Web.Hosting;

/// <summary>The settings under <c>CComet</c> of the server itself: where its paths begin, which proxies and which pages it believes.</summary>
[Settings("CComet")]
internal sealed record ServerOptions
{
    /// <summary>The path below which everything is, such as <c>/push</c>; empty for none.</summary>
    [Description("the path below which everything is served, such as /push")]
    public string PathBase { get; init; } = "";

    /// <summary>
    /// Addresses and networks (<c>10.0.0.0/8</c>) of the proxies in front, whose <c>X-Forwarded-For</c>, <c>-Proto</c>, <c>-Host</c>
    /// and <c>-Prefix</c> are believed; without a list those of no client are.
    /// </summary>
    [Description("addresses or networks (10.0.0.0/8) of proxies whose X-Forwarded headers are believed")]
    public IReadOnlyList<string> Proxies { get; init; } = [];

    /// <summary>Which pages of other origins may call.</summary>
    public CorsSettings Cors { get; init; } = new();

    /// <summary>WebSockets.</summary>
    public WebSocketSettings WebSocket { get; init; } = new();

    /// <summary>Parked connections.</summary>
    public ParkingSettings Parking { get; init; } = new();
}

/// <summary>The settings under <c>CComet:Parking</c>.</summary>
internal sealed record ParkingSettings
{
    /// <summary>Whether connections that wait are kept outside of the web server: on Linux, over HTTP/1.1 without TLS.</summary>
    [Description("whether waiting connections are kept outside of the web server (Linux, HTTP/1.1 without TLS)")]
    public bool Enabled { get; init; } = true;
}

/// <summary>Checks them at the start.</summary>
internal sealed class ServerOptionsValidator : IValidateOptions<ServerOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, ServerOptions options)
    {
        var failures = new List<string>();
        if (!IsPathBase(options.PathBase))
            failures.Add($"CComet:PathBase: '{options.PathBase}' must be empty or a path such as /push, of letters, digits, '-', '_', '.' and '~', without a slash at its end.");
        foreach (var proxy in options.Proxies)
        {
            if (NetworkList.FindProblem(proxy) is { } problem) failures.Add($"CComet:Proxies: {problem}");
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    /// <summary>Only characters that need no percent-encoding: a path base has one spelling, as every path has.</summary>
    private static bool IsPathBase(string text) =>
        text.Length == 0 || (text[0] == '/' && text[1..].Split('/').All(part => part is not ("" or "." or "..") && part.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '~')));
}
