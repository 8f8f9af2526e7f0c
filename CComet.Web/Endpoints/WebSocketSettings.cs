namespace CComet.Web.Endpoints;

/// <summary>The settings under <c>CComet:WebSocket</c>.</summary>
public sealed record WebSocketSettings
{
    /// <summary>Origins whose pages may open a WebSocket, such as <c>https://example.org</c>; none named means every origin.</summary>
    public IReadOnlyList<string> Origins { get; init; } = [];
}
