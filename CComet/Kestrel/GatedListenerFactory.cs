using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using CComet.Kestrel.Parking;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace CComet.Kestrel;

/// <summary>Listens as the web server's socket transport does, with the same settings, through the gate.</summary>
internal sealed class GatedListenerFactory(
    IOptions<SocketTransportOptions> options,
    ConnectionGate gate,
    ConnectionQuota quota,
    TimeProvider time,
    ILoggerFactory loggers,
    ParkedConnections? parked = null) : IConnectionListenerFactory, IConnectionListenerFactorySelector, IDisposable
{
    private readonly SocketTransportOptions _options = options.Value;
    private readonly SpareDescriptors _spares = new();

    /// <inheritdoc/>
    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint or UnixDomainSocketEndPoint or FileHandleEndPoint;

    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        Socket listener;
        try
        {
            listener = _options.CreateBoundListenSocket(endpoint);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new AddressInUseException(e.Message, e);
        }

        var address = listener.LocalEndPoint ?? endpoint;
        listener.Listen(_options.Backlog);
        var connections = new SocketConnectionContextFactory(ConnectionOptions(_options), loggers.CreateLogger("Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets"));
        try
        {
            if (parked is not null && address is IPEndPoint ip && parked.ParksAt(ip)) return ValueTask.FromResult<IConnectionListener>(Park(listener, connections, parked));
        }
        catch
        {
            listener.Dispose();
            throw;
        }

        return ValueTask.FromResult<IConnectionListener>(new GatedListener(
            address,
            accept: () => listener.AcceptAsync(CancellationToken.None),
            open: socket =>
            {
                if (address is IPEndPoint) socket.NoDelay = _options.NoDelay;
                return connections.Create(socket);
            },
            listener,
            connections,
            gate,
            quota,
            _spares,
            time,
            loggers.CreateLogger<GatedListener>()));
    }

    /// <inheritdoc/>
    public void Dispose() => _spares.Dispose();

    private ParkingListener Park(Socket listener, SocketConnectionContextFactory connections, ParkedConnections table)
    {
        listener.Blocking = false;
        var parking = new ParkingListener(listener, connections.Create, connections, table, gate, quota, _spares, _options.NoDelay, time, loggers.CreateLogger<ParkingListener>());
        table.Add(parking);
        return parking;
    }

    /// <summary>Copies the settings, with the pool of buffers that is ours.</summary>
    private static SocketConnectionFactoryOptions ConnectionOptions(SocketTransportOptions options)
    {
        try
        {
            return Copy(options);
        }
        catch (MissingMethodException)
        {
            // A later framework: all that is public, and the framework's own pool.
            return new SocketConnectionFactoryOptions
            {
                IOQueueCount = options.IOQueueCount,
                WaitForDataBeforeAllocatingBuffer = options.WaitForDataBeforeAllocatingBuffer,
                MaxReadBufferSize = options.MaxReadBufferSize,
                MaxWriteBufferSize = options.MaxWriteBufferSize,
                UnsafePreferInlineScheduling = options.UnsafePreferInlineScheduling,
            };
        }
    }

    /// <summary>What the web server's own listener calls. The pool has no public property, and it is what the memory of an idle connection was won by.</summary>
    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    private static extern SocketConnectionFactoryOptions Copy(SocketTransportOptions options);
}
