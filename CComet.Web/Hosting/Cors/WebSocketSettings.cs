using System.ComponentModel;

namespace CComet.Web.Hosting.Cors;

/// <summary>The settings under <c>CComet:WebSocket</c>.</summary>
internal sealed record WebSocketSettings
{
    /// <summary>
    /// Origins whose pages may open a WebSocket, beside the server's own; none named leaves that to <see cref="CorsSettings"/>, which
    /// holds in any case.
    /// </summary>
    [Description("origins that may open a WebSocket; empty means all that Cors lets in")]
    [Origin]
    public IReadOnlyList<string> Origins { get; init; } = [];
}
