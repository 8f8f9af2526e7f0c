using System.ComponentModel;
using CComet.Web.Hub;

namespace CComet.Web.Endpoints;

/// <summary>The settings under <c>CComet:WebSocket</c>.</summary>
[Settings("CComet:WebSocket")]
public sealed record WebSocketSettings
{
    /// <summary>Origins whose pages may open a WebSocket, such as <c>https://example.org</c>; none named means every origin.</summary>
    [Description("origins that may open a WebSocket; empty means all")]
    [Origin]
    public IReadOnlyList<string> Origins { get; init; } = [];
}
