using System.Net;
using System.Net.Sockets;
using CComet.Limits;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace CComet.Kestrel;

/// <summary>Accepts connections as far as the gate, and the share of their address, have places for them.</summary>
/// <remarks>
/// The web server's own listener takes every error of accept for a client that has gone, and tries again at once. When no descriptor
/// is free (EMFILE), the connection stays in the backlog and accept fails again: the thread that hears of the sockets turns in a
/// circle, and with it everything stops that is connected. Here such an error ends the attempt for <see cref="RetryInterval"/>.
/// </remarks>
internal sealed partial class GatedListener(
    EndPoint endPoint,
    Func<ValueTask<Socket>> accept,
    Func<Socket, ConnectionContext> open,
    IDisposable listener,
    IDisposable connections,
    ConnectionGate gate,
    ConnectionQuota quota,
    SpareDescriptors spares,
    TimeProvider time,
    ILogger logger) : IConnectionListener
{
    /// <summary>The pause after a failure of accept that is not one client's.</summary>
    public static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _unbound = new();
    private bool _failing;

    /// <inheritdoc/>
    public EndPoint EndPoint => endPoint;

    /// <summary>Waits for a place and then for a connection; null once the address is given up.</summary>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            await gate.EnterAsync(_unbound.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }

        ConnectionContext? connection = null;
        try
        {
            connection = await AcceptWithPlaceAsync();
        }
        finally
        {
            if (connection is null) gate.Leave();
        }

        return connection;
    }

    /// <inheritdoc/>
    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _unbound.Cancel();
        listener.Dispose();
        return default;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _unbound.Cancel();
        listener.Dispose();
        connections.Dispose();
        return default;
    }

    private async ValueTask<CountedConnection?> AcceptWithPlaceAsync()
    {
        while (true)
        {
            try
            {
                var socket = await accept();
                if (_failing)
                {
                    _failing = false;
                    LogRecovered(logger);
                }

                if (Open(socket) is { } connection) return connection;
            }
            catch (Exception e) when (e is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                return null;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted)
            {
                // The client has gone while it was in the backlog, which it has left by this: the next one.
            }
            catch (SocketException e)
            {
                if (!_failing)
                {
                    gate.NoteFailure();
                    LogFailed(logger, e.SocketErrorCode, e.Message);
                }

                _failing = true;
                do
                {
                    spares.Release();
                    if (!await RestAsync()) return null;
                }
                while (!spares.TryTake());
            }
        }
    }

    /// <summary>Makes the connection of an accepted socket; null when its client has gone, or its address has as many connections as it may.</summary>
    private CountedConnection? Open(Socket socket)
    {
        Share? share = null;
        try
        {
            if (quota.TryEnter(socket, out share)) return new CountedConnection(open(socket), gate, share);

            // By a reset.
            socket.Close(timeout: 0);
        }
        catch (SocketException)
        {
            share?.Release(Held.Connections, 1);
            socket.Dispose();
        }

        return null;
    }

    private async Task<bool> RestAsync()
    {
        try
        {
            await Task.Delay(RetryInterval, time, _unbound.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A connection cannot be accepted ({Error}: {Reason}); trying again until it can")]
    private static partial void LogFailed(ILogger logger, SocketError error, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Connections can be accepted again")]
    private static partial void LogRecovered(ILogger logger);
}
