namespace CComet.Web.Endpoints;

/// <summary>Which pages of other origins may call, under <c>CComet:Cors</c>.</summary>
public sealed record CorsSettings
{
    /// <summary>Origins such as <c>https://example.org</c>; none named means every origin.</summary>
    public IReadOnlyList<string> Origins { get; init; } = [];

    /// <summary>False forbids every origin but the server's own.</summary>
    public bool Enabled { get; init; } = true;
}
