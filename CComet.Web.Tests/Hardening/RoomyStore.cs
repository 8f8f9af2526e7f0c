using CComet.Messages;
using CComet.Storage;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hardening;

/// <summary>A store whose own bounds are out of the way, so that only the hub's are met; it counts what the hub asks of it.</summary>
internal sealed class RoomyStore(TimeProvider time) : IMessageStore
{
    private static readonly HubOptions Roomy = new()
    {
        History = new HistoryOptions { MaxMessages = 1_000_000, MaxBytes = 1 << 30, MaxAge = TimeSpan.FromDays(365) },
        Limits = new LimitOptions { Channels = 1_000_000 },
    };

    private readonly MemoryStore _inner = HubFixture.NewStore(Roomy, time);
    private int _follows;

    /// <summary>How often a log was opened.</summary>
    public int Follows => _follows;

    /// <summary>Thrown by the next append.</summary>
    public Exception? Failure { get; set; }

    public ValueTask<IReadOnlyList<Receipt>> AppendAsync(IReadOnlyList<NewMessage> messages, CancellationToken cancellation = default) =>
        Failure is null ? _inner.AppendAsync(messages, cancellation) : throw Failure;

    public async ValueTask<LogSlice> ReadAsync(string channel, long from, long maxBytes, CancellationToken cancellation = default)
    {
        // As a store that has to wait for its disk.
        await Task.Yield();
        return await _inner.ReadAsync(channel, from, maxBytes, cancellation);
    }

    public ValueTask FollowAsync(string channel, ILogListener listener, CancellationToken cancellation = default)
    {
        Interlocked.Increment(ref _follows);
        return _inner.FollowAsync(channel, listener, cancellation);
    }

    public void Unfollow(string channel, ILogListener listener) => _inner.Unfollow(channel, listener);

    public ValueTask SweepAsync(CancellationToken cancellation = default) => ValueTask.CompletedTask;

    public ValueTask CheckAsync(CancellationToken cancellation = default) => ValueTask.CompletedTask;
}
