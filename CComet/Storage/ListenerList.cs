using CComet.Messages;

namespace CComet.Storage;

/// <summary>The listeners of one log. The log's lock guards it; <see cref="Count"/> alone may be read without.</summary>
internal struct ListenerList()
{
    private ILogListener[] _listeners = [];

    /// <summary>How many there are.</summary>
    public readonly int Count => Volatile.Read(in _listeners).Length;

    /// <summary>Adds a listener, which is told first where the log stands.</summary>
    public void Add(ILogListener listener, LogHead head)
    {
        listener.Opened(head);
        Volatile.Write(ref _listeners, [.. _listeners, listener]);
    }

    /// <summary>Removes a listener.</summary>
    public void Remove(ILogListener? listener) => Volatile.Write(ref _listeners, [.. _listeners.Where(l => l != listener)]);

    /// <summary>Reports messages that were appended.</summary>
    public readonly void Appended(string epoch, IReadOnlyList<Message> messages, DeferredDeliveries? deferred = null)
    {
        foreach (var listener in _listeners) listener.Appended(epoch, messages, deferred);
    }

    /// <summary>Has every listener read on.</summary>
    public readonly void Changed()
    {
        foreach (var listener in _listeners) listener.Changed();
    }
}
