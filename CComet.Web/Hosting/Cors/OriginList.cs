using System.Collections.Frozen;
using CComet.Http;
using Microsoft.Extensions.Primitives;

namespace CComet.Web.Hosting.Cors;

/// <summary>Origins named in a setting, each in the form in which a browser writes it into the <c>Origin</c> header.</summary>
internal sealed class OriginList
{
    private readonly FrozenDictionary<string, StringValues> _origins;

    /// <summary>Makes a list of origins that <see cref="PageOrigin.Normalize"/> understands.</summary>
    public OriginList(IEnumerable<string> origins) =>
        _origins = origins.Select(o => PageOrigin.Normalize(o)!).Distinct().ToFrozenDictionary(o => o, o => new StringValues(o), StringComparer.OrdinalIgnoreCase);

    /// <summary>The list; null when it names every origin, which an empty one does.</summary>
    public static OriginList? Create(IReadOnlyList<string> origins) => origins.Count == 0 ? null : new OriginList(origins);

    /// <summary>The origin as a header's value that all answers share; empty when it is not in the list.</summary>
    public StringValues Find(string origin) => _origins.GetValueOrDefault(origin);

    /// <summary>Whether an origin is in the list.</summary>
    public bool Contains(string origin) => _origins.ContainsKey(origin);
}
