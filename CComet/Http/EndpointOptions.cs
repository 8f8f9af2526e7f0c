using System.ComponentModel;
using Microsoft.Extensions.Options;

namespace CComet.Http;

/// <summary>The settings under <c>CComet</c> that the HTTP side of the server obeys.</summary>
[Settings("CComet")]
public sealed record EndpointOptions
{
    /// <summary>The path below which everything is, such as <c>/push</c>; empty for none.</summary>
    [Description("the path below which everything is served, such as /push")]
    public string PathBase { get; init; } = "";

    /// <summary>
    /// Addresses and networks (<c>10.0.0.0/8</c>) of the proxies in front, whose <c>X-Forwarded-For</c>, <c>-Proto</c>, <c>-Host</c>
    /// and <c>-Prefix</c> are believed; nobody's are when none is named.
    /// </summary>
    [Description("addresses or networks (10.0.0.0/8) of proxies whose X-Forwarded headers are believed")]
    public IReadOnlyList<string> Proxies { get; init; } = [];

    /// <summary>Which pages of other origins may call.</summary>
    public CorsSettings Cors { get; init; } = new();

    /// <summary>WebSockets.</summary>
    public WebSocketSettings WebSocket { get; init; } = new();

    /// <summary>JSONP.</summary>
    public JsonpSettings Jsonp { get; init; } = new();

    /// <summary>Publishing.</summary>
    public PublishSettings Publish { get; init; } = new();
}

/// <summary>The settings under <c>CComet:Jsonp</c>.</summary>
public sealed record JsonpSettings
{
    /// <summary>False refuses every request with a <c>callback</c>: answers are then read by no page that CORS does not let in.</summary>
    [Description("whether callback= is answered by JSONP, which a page of any origin can read")]
    public bool Enabled { get; init; } = true;
}

/// <summary>The settings under <c>CComet:Publish</c>.</summary>
public sealed record PublishSettings
{
    /// <summary>False takes <c>/pub</c> and <c>/sign</c> by POST alone: a link or an image then stores nothing. JSONP cannot publish without it.</summary>
    [Description("whether /pub and /sign are taken by GET too, as JSONP needs")]
    public bool ByGet { get; init; } = true;
}

/// <summary>Checks the settings of the HTTP side at the start.</summary>
internal sealed class EndpointOptionsValidator : IValidateOptions<EndpointOptions>
{
    public ValidateOptionsResult Validate(string? name, EndpointOptions options)
    {
        var failures = new List<string>();
        if (!IsPathBase(options.PathBase))
            failures.Add($"CComet:PathBase: '{options.PathBase}' must be empty or a path such as /push, of letters, digits, '-', '_', '.' and '~', without a slash at its end.");
        foreach (var proxy in options.Proxies)
        {
            if (ProxyList.TryParse(proxy) is null) failures.Add($"CComet:Proxies: '{proxy}' is no address such as 10.0.0.1, and no network such as 10.0.0.0/8.");
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    /// <summary>Only characters that need no percent-encoding: a path base has one spelling, as every path has.</summary>
    private static bool IsPathBase(string text) =>
        text.Length == 0 || (text[0] == '/' && text[1..].Split('/').All(part => part is not ("" or "." or "..") && part.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '~')));
}
