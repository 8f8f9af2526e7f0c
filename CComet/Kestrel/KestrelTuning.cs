using System.Net.Sockets;
using CComet.Http;
using Microsoft.AspNetCore.Http;

namespace CComet.Kestrel;

/// <summary>What a parked request does with a Kestrel that was set up by <c>UseCCometKestrel()</c>; other middleware of the same application can notice it.</summary>
internal sealed class KestrelTuning : RequestTuning
{
    /// <inheritdoc/>
    public override bool IsOn => true;

    /// <inheritdoc/>
    public override Socket? SocketOf(HttpContext context) => PlainSocket.Find(context);

    /// <inheritdoc/>
    public override void Lighten(HttpRequest request) => WaitingRequest.Lighten(request);

    /// <inheritdoc/>
    protected override CancellationToken GoneTokenOf(HttpContext context) => ClientGone.TokenOf(context);
}
