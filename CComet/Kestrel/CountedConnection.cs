using System.IO.Pipelines;
using System.Net;
using CComet.Limits;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace CComet.Kestrel;

/// <summary>
/// A connection that gives its place in the gate, and in its address's share, back once it is closed. It is the transport's own in all else.
/// </summary>
/// <remarks>64 bytes for each connection; a callback on the transport's token takes some 90.</remarks>
/// <param name="inner">The transport's connection.</param>
/// <param name="gate">The gate, in which it has a place.</param>
/// <param name="share">The share of its address; null when it is not counted.</param>
internal class CountedConnection(ConnectionContext inner, ConnectionGate gate, Share? share) : ConnectionContext
{
    /// <inheritdoc/>
    public override IDuplexPipe Transport { get => inner.Transport; set => inner.Transport = value; }

    /// <inheritdoc/>
    public override string ConnectionId { get => inner.ConnectionId; set => inner.ConnectionId = value; }

    /// <inheritdoc/>
    public override IFeatureCollection Features => inner.Features;

    /// <inheritdoc/>
    public override IDictionary<object, object?> Items { get => inner.Items; set => inner.Items = value; }

    /// <inheritdoc/>
    public override CancellationToken ConnectionClosed { get => inner.ConnectionClosed; set => inner.ConnectionClosed = value; }

    /// <inheritdoc/>
    public override EndPoint? LocalEndPoint { get => inner.LocalEndPoint; set => inner.LocalEndPoint = value; }

    /// <inheritdoc/>
    public override EndPoint? RemoteEndPoint { get => inner.RemoteEndPoint; set => inner.RemoteEndPoint = value; }

    /// <inheritdoc/>
    public override void Abort() => inner.Abort();

    /// <inheritdoc/>
    public override void Abort(ConnectionAbortedException abortReason) => inner.Abort(abortReason);

    /// <summary>Closes the connection; the web server calls it once, when all else is over.</summary>
    public override async ValueTask DisposeAsync()
    {
        try
        {
            await inner.DisposeAsync();
            await base.DisposeAsync();
        }
        finally
        {
            share?.Release(Held.Connections, 1);
            gate.Leave();
        }
    }
}
