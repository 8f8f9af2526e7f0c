using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using CComet.Client.Connections;
using CComet.Client.Wire;

namespace CComet.Client;

/// <summary>
/// A client of one CComet server. Thread-safe; an application makes one and keeps it for its life. All its subscriptions share one connection, up to 64 channels; further ones
/// share the next.
/// </summary>
/// <remarks>
/// It receives by <c>/stream</c>, and by long polls where something on the way collects a stream. What fails for a passing reason (no network, 408, 425, 429, 5xx) is repeated for
/// ever, after 0 to 0.5 s at first and 0 to 30 s at last, or when the server says so. What the server refuses for good (400, 401 with a fresh token, 403, 404, 405, 409 replaced,
/// 413, 415, 431) ends a subscription or a publish with a <see cref="CCometException"/>. Two subscriptions to one channel have a connection each.
/// </remarks>
[SuppressMessage("Design", "CA1063:Implement IDisposable correctly", Justification = "There is no unmanaged resource and no finalizer.")]
public class CCometClient : IAsyncDisposable, IDisposable
{
    private readonly CCometClientOptions _options = null!;
    private readonly ServerApi _api = null!;
    private readonly ConnectionPool _pool = null!;
    private readonly Publisher _publisher = null!;
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Creates a client. Connects with the first subscription.</summary>
    /// <param name="url">The server's address, http or https, with the path below which it serves; a query is ignored.</param>
    /// <param name="options">How to reach it; null for the defaults.</param>
    /// <exception cref="ArgumentException">The address is not absolute, or an option is out of its bounds.</exception>
    public CCometClient(Uri url, CCometClientOptions? options = null)
    {
        _options = (options ?? new CCometClientOptions()).Copy();
        _api = new ServerApi(url, _options);
        _pool = new ConnectionPool(_api);
        _publisher = new Publisher(_api);
    }

    /// <summary>Creates a client whose virtual members a test replaces.</summary>
    protected CCometClient()
    {
    }

    /// <summary>Gets how many connections there are.</summary>
    internal int ConnectionCount => _pool.Count;

    /// <summary>Subscribes to a channel for as long as the loop runs. Each enumeration is a subscription of its own, which begins with it.</summary>
    /// <param name="channel">The channel, 1 to 200 Unicode characters without controls.</param>
    /// <param name="options">Where to begin, and what to do at a gap; null: from now on.</param>
    /// <param name="cancellationToken">Ends the loop with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>The messages in order, each at most once. Ends when the client is disposed of or the channel is closed.</returns>
    /// <exception cref="ArgumentException">The channel is not a name.</exception>
    /// <exception cref="CCometException">The loop throws it when the server refuses the subscription for good.</exception>
    /// <exception cref="CCometGapException">The loop throws it when messages are lost and <see cref="SubscribeOptions.OnGap"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop throws it when the client was disposed of before it began.</exception>
    public virtual IAsyncEnumerable<CCometMessage> SubscribeAsync(string channel, SubscribeOptions? options = null, CancellationToken cancellationToken = default)
    {
        Check.Name(channel, nameof(channel));
        return EnumerateAsync(channel, options, cancellationToken);
    }

    /// <summary>Subscribes to a channel at once. The subscription has the cursor, and tells when it is open; it must be enumerated and disposed of.</summary>
    /// <param name="channel">The channel, 1 to 200 Unicode characters without controls.</param>
    /// <param name="options">Where to begin, and what to do at a gap; null: from now on.</param>
    /// <exception cref="ArgumentException">The channel is not a name.</exception>
    /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
    public virtual CCometSubscription Subscribe(string channel, SubscribeOptions? options = null)
    {
        Check.Name(channel, nameof(channel));
        var subscription = new CCometSubscription(_pool, channel, options ?? new SubscribeOptions(), _options.BufferSize);
        _pool.Add(subscription);
        return subscription;
    }

    /// <summary>Publishes a message, with a random id, for up to 30 s.</summary>
    /// <param name="channel">The channel, 1 to 200 Unicode characters without controls.</param>
    /// <param name="payload">A text or a JSON value; the server takes 64 KiB by default.</param>
    /// <param name="cancellationToken">Gives up; the message may be stored or not.</param>
    /// <returns>The receipt, once the message is stored.</returns>
    /// <exception cref="ArgumentException">An argument is not valid.</exception>
    /// <exception cref="CCometException">The server refused it, or did not acknowledge it in time.</exception>
    /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
    /// <exception cref="OperationCanceledException">It was canceled, or the client was disposed of meanwhile.</exception>
    public virtual Task<CCometReceipt> PublishAsync(string channel, CCometPayload payload, CancellationToken cancellationToken = default) => PublishAsync(channel, payload, new PublishOptions(), cancellationToken);

    /// <summary>Publishes a message.</summary>
    /// <param name="channel">The channel, 1 to 200 Unicode characters without controls.</param>
    /// <param name="payload">A text or a JSON value; the server takes 64 KiB by default.</param>
    /// <param name="options">Its id and sname, and how long to try.</param>
    /// <param name="cancellationToken">Gives up; the message may be stored or not.</param>
    /// <returns>The receipt, once the message is stored.</returns>
    /// <remarks>What fails for a passing reason is repeated with the same id, so that the message is stored once. Messages that are not awaited one after another may be stored in another order.</remarks>
    /// <exception cref="ArgumentException">An argument is not valid.</exception>
    /// <exception cref="CCometException">The server refused it, or did not acknowledge it in time.</exception>
    /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
    /// <exception cref="OperationCanceledException">It was canceled, or the client was disposed of meanwhile.</exception>
    public virtual async Task<CCometReceipt> PublishAsync(string channel, CCometPayload payload, PublishOptions options, CancellationToken cancellationToken = default)
    {
        Check.Name(channel, nameof(channel));
        Check.NotNull(options, nameof(options));
        if (payload.Json.IsEmpty) throw new ArgumentException("payload: is none; use FromText, FromJson or From.", nameof(payload));
        if (options.Id is not null) Check.Name(options.Id, "id");
        if (options.Sname is not null) Check.Name(options.Sname, "sname");
        Check.Positive(options.Timeout, "timeout");
        if (_stop.IsCancellationRequested) throw new ObjectDisposedException(nameof(CCometClient));

        // The source is never disposed of: it has no timer, and a publish may begin at the same time.
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, cancellationToken);
        try
        {
            return await _publisher.PublishAsync(channel, payload, options, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
    }

    /// <summary>Ends every subscription and publish, and waits until the connections are closed.</summary>
    public virtual async ValueTask DisposeAsync()
    {
        foreach (var connection in Stop()) await connection.ConfigureAwait(false);
        _api?.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends every subscription and publish, without waiting. Prefer <see cref="DisposeAsync"/>.</summary>
    [SuppressMessage("Usage", "CA1816:Dispose methods should call SuppressFinalize", Justification = "It does.")]
    public virtual void Dispose()
    {
        Stop();
        _api?.Dispose();
        GC.SuppressFinalize(this);
    }

    private IReadOnlyList<Task> Stop()
    {
        _stop.Cancel();
        return _pool?.Stop() ?? [];
    }

    private async IAsyncEnumerable<CCometMessage> EnumerateAsync(string channel, SubscribeOptions? options, CancellationToken given, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(given, cancellation);
        var subscription = Subscribe(channel, options);
        await using var disposal = ((IAsyncDisposable)subscription).ConfigureAwait(false);
        await foreach (var message in subscription.WithCancellation(either.Token).ConfigureAwait(false)) yield return message;
    }
}
