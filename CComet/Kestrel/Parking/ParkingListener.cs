using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using CComet.Limits;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Sockets = CComet.Interop.Sockets;

namespace CComet.Kestrel.Parking;

/// <summary>Takes the connections of one address, and gives the web server those that cannot be parked.</summary>
internal sealed partial class ParkingListener(
    Socket listener,
    Func<Socket, ConnectionContext> open,
    IDisposable connections,
    ParkedConnections parked,
    ConnectionGate gate,
    ConnectionQuota quota,
    SpareDescriptors spares,
    bool isNoDelay,
    TimeProvider time,
    ILogger logger) : IConnectionListener
{
    /// <summary>How many connections are taken before others have their turn.</summary>
    private const int MaxInRow = 64;

    /// <summary>How often it is looked whether all have been answered.</summary>
    private static readonly TimeSpan EndInterval = TimeSpan.FromMilliseconds(5);

    private readonly Channel<ConnectionContext> _handedOver = Channel.CreateUnbounded<ConnectionContext>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _unbound = new();
    private readonly int _descriptor = (int)listener.Handle;
    private ParkingLoop? _loop;
    private ulong _number;
    private IPAddress? _lastAddress;
    private bool _hasPlace;
    private bool _failing;

    /// <inheritdoc/>
    public EndPoint EndPoint { get; } = listener.LocalEndPoint!;

    /// <summary>What has to be known of the server at its address.</summary>
    public ParkingHost Host { get; } = parked.HostAt(listener.LocalEndPoint!);

    /// <summary>Begins to take connections.</summary>
    /// <param name="loop">The loop that calls <see cref="TakeNext"/> when there are any.</param>
    /// <param name="number">The number by which it knows this.</param>
    public void Begin(ParkingLoop loop, ulong number)
    {
        (_loop, _number) = (loop, number);
        loop.TryWatchListener(_descriptor, number);
    }

    /// <summary>Takes the connections that wait.</summary>
    public void TakeNext()
    {
        // A stop waits until these have been taken.
        lock (_unbound)
        {
            if (!_unbound.IsCancellationRequested) TakeSome();
        }
    }

    private void TakeSome()
    {
        if (_failing && !spares.TryTake())
        {
            RestForDescriptors();
            return;
        }

        for (var turn = 0; turn < MaxInRow; turn++)
        {
            if (!_hasPlace && !(_hasPlace = gate.TryEnter()))
            {
                Rest(gate.EnterAsync(_unbound.Token), hasPlace: true);
                return;
            }

            var taken = Sockets.Accept(_descriptor, ref _lastAddress);
            if (taken >= 0)
            {
                _hasPlace = false;
                Take(taken, _lastAddress);
            }
            else if (taken is -Sockets.Again)
            {
                if (_failing) LogRecovered(logger);
                _failing = false;
                return;
            }
            else if (taken is not (-Sockets.ConnectionAborted or -Sockets.Interrupted))
            {
                // No descriptor is free, or no memory: the connection stays in the backlog, and would be an event again at once.
                if (!_failing)
                {
                    gate.NoteFailure();
                    LogFailed(logger, new SocketException(-taken).Message);
                }

                _failing = true;
                RestForDescriptors();
                return;
            }
        }
    }

    private void RestForDescriptors()
    {
        spares.Release();
        Rest(Task.Delay(GatedListener.RetryInterval, time, _unbound.Token), hasPlace: false);
    }

    /// <summary>Gives the web server a connection.</summary>
    /// <param name="descriptor">Its socket.</param>
    /// <param name="share">The share of its address; null when it is not counted.</param>
    /// <param name="isHalfClosed">Whether its client sends nothing more.</param>
    public void HandOver(int descriptor, Share? share, bool isHalfClosed = false)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
            var opened = open(socket);
            if (_handedOver.Writer.TryWrite(isHalfClosed ? new HalfClosedConnection(opened, gate, share, time) : new CountedConnection(opened, gate, share))) return;
        }
        catch (SocketException)
        {
            // Its client has gone.
        }

        socket?.Dispose();
        if (socket is null) Sockets.Close(descriptor);
        share?.Release(Held.Connections, 1);
        gate.Leave();
    }

    /// <inheritdoc/>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await _handedOver.Reader.WaitToReadAsync(cancellationToken) && _handedOver.Reader.TryRead(out var connection) ? connection : null;

    /// <summary>Takes no connection more, and returns once those that are parked have been answered, as far as their clients take the answers.</summary>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        if (!TryEnd()) return;
        try
        {
            while (!parked.TryEndIdle(this)) await Task.Delay(EndInterval, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The time to stop is over: what is left is closed with the table.
        }

        _handedOver.Writer.TryComplete();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        TryEnd();
        _handedOver.Writer.TryComplete();
        connections.Dispose();
        return default;
    }

    private bool TryEnd()
    {
        lock (_unbound)
        {
            if (_unbound.IsCancellationRequested) return false;
            _loop?.Unwatch(_descriptor);
            _unbound.Cancel();
            listener.Dispose();
            if (_hasPlace) gate.Leave();
            _hasPlace = false;
            return true;
        }
    }

    private void Take(int descriptor, IPAddress? address)
    {
        if (!quota.TryEnter(address, out var share))
        {
            // By a reset.
            Sockets.Reset(descriptor);
            gate.Leave();
            return;
        }

        if (isNoDelay) Sockets.SetNoDelay(descriptor);

        // A connection that is made while the server stops may bring its request late.
        if (address is null || parked.IsDraining) HandOver(descriptor, share);
        else parked.Add(descriptor, new ParkedClient(address, new CallerShares(share, null), share, this));
    }

    /// <summary>Takes no connection until something is over.</summary>
    private void Rest(Task over, bool hasPlace)
    {
        _loop!.Unwatch(_descriptor);
        _ = GoOnAsync();

        async Task GoOnAsync()
        {
            await over.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            lock (_unbound)
            {
                if (over.IsCompletedSuccessfully && hasPlace)
                {
                    if (_unbound.IsCancellationRequested) gate.Leave();
                    else _hasPlace = true;
                }

                if (!_unbound.IsCancellationRequested) _loop.TryWatchListener(_descriptor, _number);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A connection cannot be accepted ({Reason}); trying again until it can")]
    private static partial void LogFailed(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Connections can be accepted again")]
    private static partial void LogRecovered(ILogger logger);
}
