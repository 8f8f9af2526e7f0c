using CComet.Web.Hub;
using StackExchange.Redis;

namespace CComet.Web.Stores.Redis;

/// <summary>One channel that this node follows: who wants to hear of it, and how far anybody has read it.</summary>
internal sealed class RedisFollower
{
    private readonly Lock _lock = new();
    private ILogListener[] _listeners = [];
    private Task? _subscribing;
    private string _epoch = "";
    private long _end;
    private bool _hinted;
    private bool _closed;

    public RedisFollower(string channel)
    {
        Channel = channel;
        OnHint = (_, _) => Wake();
    }

    public string Channel { get; }

    /// <summary>Called with each wake-up.</summary>
    public Action<RedisChannel, RedisValue> OnHint { get; }

    /// <summary>Set when a wake-up may have been missed, or a reading has failed: the listeners must look.</summary>
    public bool IsDoubtful { get; set; }

    /// <summary>Adds a listener and tells it where the log stands; false when this follower has been given up meanwhile.</summary>
    public bool TryAdd(ILogListener listener, LogHead head)
    {
        lock (_lock)
        {
            if (_closed) return false;
            listener.Opened(head);
            _listeners = [.. _listeners, listener];

            // Something was told between the reading and this.
            if (_hinted) listener.Changed();
            return true;
        }
    }

    /// <summary>Takes a listener out; true when nobody is left and the follower is given up.</summary>
    public bool Remove(ILogListener? listener)
    {
        lock (_lock)
        {
            _listeners = [.. _listeners.Where(l => l != listener)];
            if (_closed || _listeners.Length > 0) return false;
            return _closed = true;
        }
    }

    /// <summary>Subscribes, once; everyone who comes meanwhile awaits the same. What has failed is tried again.</summary>
    public Task SubscribeOnceAsync(Func<Task> subscribe)
    {
        lock (_lock)
        {
            if (_subscribing is null || _subscribing.IsFaulted || _subscribing.IsCanceled) _subscribing = subscribe();
            return _subscribing;
        }
    }

    /// <summary>Lets the listeners look at the log.</summary>
    public void Wake()
    {
        IsDoubtful = false;
        lock (_lock)
        {
            if (_listeners.Length == 0) _hinted = true;
            foreach (var listener in _listeners) listener.Changed();
        }
    }

    /// <summary>Notes where the log was found to end; false when it had been seen to end later in the same epoch.</summary>
    public bool Saw(LogHead head)
    {
        lock (_lock)
        {
            if (head.Epoch == _epoch && head.End < _end) return false;
            (_epoch, _end) = (head.Epoch, head.End);
            return true;
        }
    }

    /// <summary>The end that was seen.</summary>
    public long End
    {
        get
        {
            lock (_lock) return _end;
        }
    }
}
