using System.ComponentModel;

namespace CComet.Web.Hosting.Cors;

/// <summary>Which pages of other origins may call, under <c>CComet:Cors</c>.</summary>
internal sealed record CorsSettings
{
    /// <summary>Origins such as <c>https://example.org</c>; none named means every origin.</summary>
    [Description("origins whose pages may call, on every verb and transport; empty means all")]
    [Origin]
    public IReadOnlyList<string> Origins { get; init; } = [];

    /// <summary>False refuses every origin but the server's own.</summary>
    [Description("whether pages of other origins may call at all")]
    public bool Enabled { get; init; } = true;
}
