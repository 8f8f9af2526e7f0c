using CComet.Limits;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace CComet.Kestrel.Parking;

/// <summary>A connection whose client had ended its side before the web server got it, and still reads what it is answered.</summary>
/// <remarks>
/// The web server takes the end of what comes for the end of the connection, and answers nothing from then on. Here it learns of that end a
/// moment later, so that it answers what came before.
/// </remarks>
internal sealed class HalfClosedConnection : CountedConnection, IConnectionLifetimeFeature
{
    /// <summary>How long the answers may take.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _closed;

    /// <summary>Makes one.</summary>
    /// <param name="inner">The transport's connection.</param>
    /// <param name="gate">The gate, in which it has a place.</param>
    /// <param name="share">The share of its address; null when it is not counted.</param>
    /// <param name="time">The clock.</param>
    public HalfClosedConnection(ConnectionContext inner, ConnectionGate gate, Share? share, TimeProvider time)
        : base(inner, gate, share)
    {
        _closed = new CancellationTokenSource(AnswerTime, time);
        ConnectionClosed = _closed.Token;

        // Requests that wait look there.
        Features.Set<IConnectionLifetimeFeature>(this);
    }

    /// <inheritdoc/>
    public override CancellationToken ConnectionClosed { get; set; }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _closed.Dispose();
    }
}
