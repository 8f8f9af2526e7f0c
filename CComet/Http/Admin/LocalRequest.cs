using System.Net;
using Microsoft.AspNetCore.Http;

namespace CComet.Http.Admin;

/// <summary>Tells a request of a developer on this machine from one that a proxy on it hands on, or that a page has a browser send under a foreign name.</summary>
internal static class LocalRequest
{
    private static readonly string[] ForwardingHeaders = ["Forwarded", "X-Real-IP", "Via"];
    private static readonly string[] ForwardingPrefixes = ["X-Forwarded-", "X-Original-"];

    /// <summary>Whether a request comes from this machine, to this machine, by that name, and through no proxy.</summary>
    public static bool IsLocal(HttpContext context)
    {
        if (!IsLoopback(context.Connection.RemoteIpAddress) || !IsLoopback(context.Connection.LocalIpAddress)) return false;
        var host = context.Request.Host.Host.Trim('[', ']');
        if (!host.Equals("localhost", StringComparison.OrdinalIgnoreCase) && !(IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address))) return false;
        foreach (var (name, _) in context.Request.Headers)
        {
            if (Array.Exists(ForwardingHeaders, header => name.Equals(header, StringComparison.OrdinalIgnoreCase))
                || Array.Exists(ForwardingPrefixes, prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))) return false;
        }

        return true;
    }

    private static bool IsLoopback(IPAddress? address) => address is not null && IPAddress.IsLoopback(address);
}
