using System.Net;
using System.Net.Sockets;
using CComet.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace CComet.Kestrel;

/// <summary>
/// Makes listeners that lose no request of a client that connected in time. The web server, when it stops, closes its listener and
/// then every connection without a request, in one go: one that the kernel had made and the server had not accepted is reset, and one whose
/// first request is still on its way is closed under it. A draining server has many of those, as each answer ends its connection.
/// </summary>
internal sealed class DrainingListenerFactory : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly GatedListenerFactory _inner;
    private readonly ChannelHub _hub;
    private readonly TimeProvider _time;
    private Socket? _bound;

    /// <summary>Puts itself before the web server's own.</summary>
    public DrainingListenerFactory(GatedListenerFactory inner, IOptions<SocketTransportOptions> options, ChannelHub hub, TimeProvider time)
    {
        (_inner, _hub, _time) = (inner, hub, time);
        var create = options.Value.CreateBoundListenSocket;
        options.Value.CreateBoundListenSocket = endpoint => _bound = create(endpoint);
    }

    /// <inheritdoc/>
    public bool CanBind(EndPoint endpoint) => _inner.CanBind(endpoint);

    /// <inheritdoc/>
    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new DrainingListener(await _inner.BindAsync(endpoint, cancellationToken), _bound!, _hub, _time);

    private sealed class DrainingListener(IConnectionListener inner, Socket socket, ChannelHub hub, TimeProvider time) : IConnectionListener
    {
        /// <summary>How long a connection made while the server drained has to bring its request.</summary>
        private static readonly TimeSpan MaxLinger = TimeSpan.FromSeconds(1);

        /// <summary>The most turns of 1 ms that the accept loop has to take what the kernel has made.</summary>
        private const int MaxTurns = 1_000;

        private readonly TaskCompletionSource _allClosed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>The connections made while the server drains, and the accept loop.</summary>
        private int _open = 1;

        public EndPoint EndPoint => inner.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            var connection = await inner.AcceptAsync(cancellationToken);

            // The end of the loop: every connection before it has been counted.
            if (connection is null) Closed();
            else if (hub.IsDraining) Count(connection);
            return connection;
        }

        public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            SynFilter.Attach(socket);
            for (var turn = 0; turn < MaxTurns && socket.Poll(TimeSpan.Zero, SelectMode.SelectRead); turn++) await Task.Delay(1, CancellationToken.None);
            await inner.UnbindAsync(cancellationToken);
            await _allClosed.Task.WaitAsync(MaxLinger, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();

        private void Count(ConnectionContext connection)
        {
            Interlocked.Increment(ref _open);
            connection.ConnectionClosed.UnsafeRegister(static listener => ((DrainingListener)listener!).Closed(), this);
        }

        private void Closed()
        {
            if (Interlocked.Decrement(ref _open) == 0) _allClosed.TrySetResult();
        }
    }
}
