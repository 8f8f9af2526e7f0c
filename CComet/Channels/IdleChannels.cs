namespace CComet.Channels;

/// <summary>
/// Lists the channels without subscribers, idlest first. A channel enters the list when its last subscriber leaves and leaves it
/// when one comes, each in constant time; nothing is kept per subscriber.
/// </summary>
/// <remarks>
/// An idle channel is only a cache of its log. It is not closed at once, because a poll leaves its channel and comes back within
/// milliseconds: to close and reopen would cost SQLite and Redis a read for every poll. It is closed after
/// <see cref="LimitOptions.IdleChannel"/>, and before that whenever a bound needs its place or its memory, so that it never is
/// the reason of a refusal. Lock order: a channel's lock, then this one.
/// </remarks>
internal sealed class IdleChannels
{
    private readonly Lock _lock = new();
    private ActiveChannel? _first;
    private ActiveChannel? _last;

    /// <summary>The channel that has been idle for the longest time, or null.</summary>
    public ActiveChannel? First
    {
        get
        {
            lock (_lock) return _first;
        }
    }

    /// <summary>Adds a channel as the most recently used. The caller holds the channel's lock.</summary>
    public void Add(ActiveChannel channel)
    {
        lock (_lock)
        {
            if (channel.Idle.IsListed) return;
            channel.Idle = new Links(_last, null, true);
            if (_last is null) _first = channel;
            else _last.Idle = _last.Idle with { Next = channel };
            _last = channel;
        }
    }

    /// <summary>Removes a channel, if it is listed. The caller holds the channel's lock.</summary>
    public void Remove(ActiveChannel channel)
    {
        lock (_lock)
        {
            var (previous, next, isListed) = channel.Idle;
            if (!isListed) return;
            if (previous is null) _first = next;
            else previous.Idle = previous.Idle with { Next = next };
            if (next is null) _last = previous;
            else next.Idle = next.Idle with { Previous = previous };
            channel.Idle = default;
        }
    }

    /// <summary>A channel's neighbours in the list, guarded by the list's lock.</summary>
    internal readonly record struct Links(ActiveChannel? Previous, ActiveChannel? Next, bool IsListed);
}
