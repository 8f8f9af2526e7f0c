namespace CComet.Web.Stores;

/// <summary>Placeholder.</summary>
public sealed class RedisStore : Hub.IMessageStore
{
    public ValueTask<IReadOnlyList<Hub.Receipt>> AppendAsync(IReadOnlyList<Hub.Draft> drafts, CancellationToken cancellation = default) => throw new NotSupportedException();
    public ValueTask<Hub.LogSlice> ReadAsync(string channel, long from, long maxBytes, CancellationToken cancellation = default) => throw new NotSupportedException();
    public ValueTask FollowAsync(string channel, Hub.ILogListener listener, CancellationToken cancellation = default) => throw new NotSupportedException();
    public void Unfollow(string channel, Hub.ILogListener listener) => throw new NotSupportedException();
    public ValueTask SweepAsync(CancellationToken cancellation = default) => throw new NotSupportedException();
    public ValueTask CheckAsync(CancellationToken cancellation = default) => throw new NotSupportedException();
}
