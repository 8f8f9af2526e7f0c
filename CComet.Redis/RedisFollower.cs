using System.Globalization;
using CComet.Storage;
using StackExchange.Redis;

namespace CComet.Redis;

/// <summary>One channel that this node follows: its listeners, the end that was reported to them, and how far it was read.</summary>
internal sealed class RedisFollower(string channel)
{
    private readonly Lock _lock = new();
    private ListenerList _listeners = new();
    private Task? _subscribing;
    private (string Epoch, long End) _seen = ("", 0);
    private (string Epoch, long End) _told = ("", -1);
    private long _wakes;
    private bool _closed;

    public string Channel => channel;

    /// <summary>The channel's keys, made once.</summary>
    public RedisKey[] Keys { get; } = new RedisKeys(channel).All;

    /// <summary>Called with each wake-up.</summary>
    public void OnHint(RedisChannel _, RedisValue payload)
    {
        var text = payload.ToString();
        var colon = text.LastIndexOf(':');
        if (colon > 0 && long.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var end)) Wake((text[..colon], end));
        else Wake(null);
    }

    /// <summary>Set when a reading has failed: the listeners must look again.</summary>
    public bool IsDoubtful { get; set; }

    /// <summary>How often the listeners were woken, by which <see cref="TryAdd"/> knows whether it was while its caller read.</summary>
    public long Wakes
    {
        get
        {
            lock (_lock) return _wakes;
        }
    }

    /// <summary>Adds a listener and tells it where the log stands; false when this follower has been given up meanwhile.</summary>
    /// <param name="listener">The listener.</param>
    /// <param name="head">Where the log stood.</param>
    /// <param name="wakes">What <see cref="Wakes"/> was before that was read.</param>
    public bool TryAdd(ILogListener listener, LogHead head, long wakes)
    {
        lock (_lock)
        {
            if (_closed) return false;
            if (_listeners.Count == 0) _told = (head.Epoch, head.End);
            _listeners.Add(listener, head);

            // Something was told between the reading and this.
            if (_wakes != wakes) listener.Changed();
            return true;
        }
    }

    /// <summary>Removes a listener; true when none is left and the follower is given up.</summary>
    public bool Remove(ILogListener? listener)
    {
        lock (_lock)
        {
            _listeners.Remove(listener);
            if (_closed || _listeners.Count > 0) return false;
            return _closed = true;
        }
    }

    /// <summary>Subscribes, once; concurrent callers await the same subscription. A failed one is tried again.</summary>
    public Task SubscribeOnceAsync(Func<Task> subscribe)
    {
        lock (_lock)
        {
            if (_subscribing is null || _subscribing.IsFaulted || _subscribing.IsCanceled) _subscribing = subscribe();
            return _subscribing;
        }
    }

    /// <summary>Lets the listeners look at the log.</summary>
    public void Wake() => Wake(null);

    /// <summary>Lets the listeners look at the log when it does not end where they were last told of.</summary>
    /// <param name="epoch">Its epoch; null when there is no log.</param>
    /// <param name="end">Its end.</param>
    public void Compare(string? epoch, long end)
    {
        lock (_lock)
        {
            // A channel of which nothing was stored, as it was known already.
            if (epoch is null && !IsDoubtful && (_told.End == 0 || _seen is { Epoch: not "", End: 0 })) return;
        }

        if (epoch is null) Wake(null);
        else Wake((epoch, end), onlyNews: true);
    }

    /// <summary>Notes where the log was found to end; false when it had been seen to end later in the same epoch.</summary>
    public bool Saw(LogHead head, out long end)
    {
        lock (_lock)
        {
            end = _seen.End;
            if (head.Epoch == _seen.Epoch && head.End < end) return false;
            _seen = (head.Epoch, head.End);
            return true;
        }
    }

    private void Wake((string Epoch, long End)? place, bool onlyNews = false)
    {
        lock (_lock)
        {
            if (onlyNews && !IsDoubtful && place == _told) return;

            // Before the listeners look: should their reading fail, it is doubtful again.
            IsDoubtful = false;
            if (place is { } told) _told = told;
            _wakes++;
            _listeners.Changed();
        }
    }
}
