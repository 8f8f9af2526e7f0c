namespace CComet.Web.Hosting.Cors;

/// <summary>Takes origins as browsers send them: <c>scheme://host[:port]</c> in lower case, without the scheme's own port.</summary>
/// <remarks>
/// An origin is compared as text, so one that a browser never sends would match nothing, for ever and in silence. <c>null</c>
/// cannot be listed: every page can make itself a frame that has it.
/// </remarks>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class OriginAttribute : SettingTextAttribute
{
    /// <inheritdoc/>
    public override string Normalize(string text)
    {
        if (text.Equals("null", StringComparison.OrdinalIgnoreCase)) throw new FormatException("every page can make itself an origin 'null', so it cannot be listed");
        if (text.Contains('*', StringComparison.Ordinal)) throw new FormatException("an origin has no wildcard; leave the list empty for all");
        if (!text.Contains("://", StringComparison.Ordinal) || !Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Host.Length == 0)
            throw new FormatException("an origin is written scheme://host or scheme://host:port, such as https://example.org");
        var host = uri.HostNameType == UriHostNameType.IPv6 ? $"[{uri.IdnHost}]" : uri.IdnHost.ToLowerInvariant();
        var origin = uri.IsDefaultPort || uri.Port < 0 ? $"{uri.Scheme}://{host}" : $"{uri.Scheme}://{host}:{uri.Port}";
        if (uri.UserInfo.Length > 0 || text.AsSpan(text.IndexOf("://", StringComparison.Ordinal) + 3).ContainsAny("/?#\\"))
            throw new FormatException($"an origin ends with its host or port; did you mean {origin}?");
        return origin;
    }
}
