using System.Collections.Concurrent;
using CComet.Channels;
using CComet.Operations;
using CComet.Subscriptions;

namespace CComet.Http.Icomet;

/// <summary>The subscribers that are told when their channel is closed.</summary>
internal sealed class IcometSubscribers
{
    private readonly ConcurrentDictionary<string, HashSet<Subscriber>> _channels = new(StringComparer.Ordinal);

    public IcometSubscribers(ChannelAdministration administration) => administration.Closed += Close;

    /// <summary>Adds one, until it is removed.</summary>
    public void Add(string channel, Subscriber subscriber)
    {
        while (true)
        {
            var members = _channels.GetOrAdd(channel, static _ => []);
            lock (members)
            {
                // Not one that was emptied and removed meanwhile.
                if (!_channels.TryGetValue(channel, out var current) || current != members) continue;
                members.Add(subscriber);
                return;
            }
        }
    }

    /// <summary>Removes it.</summary>
    public void Remove(string channel, Subscriber subscriber)
    {
        if (!_channels.TryGetValue(channel, out var members)) return;
        lock (members)
        {
            if (members.Remove(subscriber) && members.Count == 0) _channels.TryRemove(KeyValuePair.Create(channel, members));
        }
    }

    private void Close(string channel)
    {
        if (!_channels.TryGetValue(channel, out var members)) return;
        lock (members)
        {
            foreach (var subscriber in members) subscriber.Signal(WakeReason.Closed);
        }
    }
}
