using System.Collections.Frozen;
using Microsoft.Extensions.Primitives;

namespace CComet.Http;

/// <summary>Origins named in a setting, each in the form in which a browser writes it into the <c>Origin</c> header.</summary>
internal sealed class OriginList
{
    private readonly FrozenDictionary<string, StringValues> _origins;

    /// <summary>Makes a list of origins that <see cref="TryParse"/> understands.</summary>
    public OriginList(IEnumerable<string> origins) =>
        _origins = origins.Select(o => TryParse(o)!).Distinct().ToFrozenDictionary(o => o, o => new StringValues(o), StringComparer.OrdinalIgnoreCase);

    /// <summary>The list; null when it names every origin, which an empty one does.</summary>
    public static OriginList? Create(IReadOnlyList<string> origins) => origins.Count == 0 ? null : new OriginList(origins);

    /// <summary>Returns an origin as a browser writes it: lower case, no default port, no slash at its end; null for what is none.</summary>
    public static string? TryParse(string text)
    {
        if (text.Contains('*', StringComparison.Ordinal) || !Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Host.Length == 0) return null;
        if (uri.UserInfo.Length > 0 || uri.Fragment.Length > 0 || uri.PathAndQuery is not ("" or "/")) return null;
        var host = uri.HostNameType == UriHostNameType.Dns ? uri.IdnHost : uri.Host;
        return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{uri.Scheme}://{host}{(uri.IsDefaultPort ? "" : $":{uri.Port}")}");
    }

    /// <summary>The origin as a header's value that all answers share; empty when it is not in the list.</summary>
    public StringValues Find(string origin) => _origins.GetValueOrDefault(origin);
}
