using System.Net;
using CComet.Access;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace CComet.Web.Hosting;

/// <summary>Decides for which requests the paths of the administration exist: in mode Token a right decides; in mode Open only this machine sees them.</summary>
/// <remarks>A proxy on the same machine makes everybody loopback, so a request that was forwarded is none of this machine's.</remarks>
internal sealed class LocalAdministration(IOptions<HubOptions> options)
{
    private static readonly string[] ForwardingHeaders = ["Forwarded", "Via", "X-Real-IP"];
    private static readonly string[] ForwardingPrefixes = ["X-Forwarded-", "X-Original-"];

    private readonly bool _isOpen = options.Value.Auth.Mode != AuthMode.Token;

    /// <summary>Whether they exist for a request.</summary>
    public bool IsFor(HttpContext context) => !_isOpen || (IsLoopback(context) && !IsForwarded(context.Request));

    private static bool IsLoopback(HttpContext context) => context.Features.Get<IHttpConnectionFeature>()?.RemoteIpAddress is not { } address || IPAddress.IsLoopback(address);

    private static bool IsForwarded(HttpRequest request)
    {
        foreach (var (name, _) in request.Headers)
        {
            if (ForwardingHeaders.Contains(name, StringComparer.OrdinalIgnoreCase) || ForwardingPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))) return true;
        }

        return false;
    }
}
