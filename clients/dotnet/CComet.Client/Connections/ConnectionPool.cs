using CComet.Client.Wire;

namespace CComet.Client.Connections;

/// <summary>The connections of a client. A subscription joins one that has room and no other of its channel, else gets a new one.</summary>
internal sealed class ConnectionPool(ServerApi api) : IAsyncDisposable
{
    /// <summary>The most channels of a connection, as the server has it.</summary>
    private const int MaxMembers = 64;

    /// <summary>About the most characters of an address: servers and proxies take 8,192 in the first line.</summary>
    private const int MaxAddress = 6000;

    /// <summary>What a cursor adds to an address, about.</summary>
    private const int CursorLength = 60;

    private readonly object _lock = new();
    private readonly List<Connection> _connections = [];
    private readonly HashSet<Connection> _running = [];
    private bool _isDisposed;

    public ServerApi Api => api;

    /// <summary>Gets how many connections there are.</summary>
    internal int Count
    {
        get
        {
            lock (_lock) return _connections.Count;
        }
    }

    /// <summary>Adds a subscription.</summary>
    /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
    public void Add(CCometSubscription member)
    {
        lock (_lock)
        {
            if (_isDisposed) throw new ObjectDisposedException(nameof(CCometClient));
            var connection = _connections.FirstOrDefault(c => c.IsShared && HasRoom(c, member));
            if (connection is null) Begin(new Connection(this, isShared: true), member);
            else Join(connection, member);
        }
    }

    /// <summary>Returns the connection that serves a subscription.</summary>
    public Connection? OwnerOf(CCometSubscription member)
    {
        lock (_lock) return member.Connection;
    }

    /// <summary>Returns the subscriptions that are to be served now.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="renew">Makes the signal of the next change, under the lock.</param>
    public IReadOnlyList<CCometSubscription> TakeMembers(Connection connection, Action renew)
    {
        lock (_lock)
        {
            renew();
            return [.. connection.Members];
        }
    }

    public void Locked(Action action)
    {
        lock (_lock) action();
    }

    /// <summary>Moves a subscription to a connection of its own.</summary>
    public void Expel(CCometSubscription member, Connection from)
    {
        lock (_lock)
        {
            if (_isDisposed || member.Connection != from) return;
            Leave(from, member);
            Begin(new Connection(this, isShared: false), member);
        }
    }

    /// <summary>Takes a subscription from its connection.</summary>
    public void Detach(CCometSubscription member, Connection from)
    {
        lock (_lock)
        {
            if (member.Connection == from) Leave(from, member);
        }
    }

    /// <summary>Takes a subscription from its connection; if it was the last, waits until the connection is closed.</summary>
    public async ValueTask RemoveAsync(CCometSubscription member)
    {
        Task? closing = null;
        lock (_lock)
        {
            if (member.Connection is not { } connection) return;
            Leave(connection, member);
            if (connection.Members.Count == 0) closing = connection.Running;
        }

        if (closing is not null) await closing.ConfigureAwait(false);
    }

    /// <summary>Ends every subscription, without waiting.</summary>
    public IReadOnlyList<Task> Stop()
    {
        lock (_lock)
        {
            _isDisposed = true;
            foreach (var connection in _connections.ToList())
            {
                foreach (var member in connection.Members.ToList())
                {
                    member.End(null, isEmptied: true);
                    Leave(connection, member);
                }
            }

            return [.. _running.Select(c => c.Running)];
        }
    }

    public async ValueTask DisposeAsync() => await Task.WhenAll(Stop()).ConfigureAwait(false);

    private static int LengthOf(CCometSubscription member) => Uri.EscapeDataString(member.Channel).Length + (member.Position.Epoch?.Length ?? 0) + CursorLength;

    private static bool HasRoom(Connection connection, CCometSubscription member) =>
        connection.Members.Count < MaxMembers
        && connection.Members.All(m => m.Channel != member.Channel)
        && connection.Members.Sum(LengthOf) + LengthOf(member) <= MaxAddress;

    private static void Join(Connection connection, CCometSubscription member)
    {
        connection.Members.Add(member);
        member.Connection = connection;
        connection.Signal();
    }

    private void Begin(Connection connection, CCometSubscription member)
    {
        _connections.Add(connection);
        _running.Add(connection);
        Join(connection, member);
        connection.Start();
        _ = connection.Running.ContinueWith(
            _ => Locked(() => _running.Remove(connection)), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private void Leave(Connection connection, CCometSubscription member)
    {
        connection.Members.Remove(member);
        member.Connection = null;
        connection.Signal();
        if (connection.Members.Count > 0) return;
        _connections.Remove(connection);
        connection.Stop();
    }
}
