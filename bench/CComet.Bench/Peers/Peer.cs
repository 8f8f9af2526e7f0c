using System.Text;
using CComet.Bench.Load;

namespace CComet.Bench.Peers;

/// <summary>How a subscriber is connected.</summary>
internal enum Transport
{
    /// <summary>A request that waits for the next message.</summary>
    Poll,

    /// <summary>Server-sent events.</summary>
    Events,
}

/// <summary>A push server, and how its clients speak to it.</summary>
internal abstract class Peer
{
    /// <summary>What it is called in the tables.</summary>
    public abstract string Name { get; }

    /// <summary>How long it takes until it is as it was before a burst, and ready to settle after the next.</summary>
    public virtual TimeSpan Settles => TimeSpan.FromSeconds(10);

    /// <summary>Starts it, fresh.</summary>
    public abstract Task<Server> StartAsync();

    /// <summary>The request that publishes a text in a channel.</summary>
    public virtual byte[] Publish(string channel, string text) => Post($"/pub?channel={channel}", text);

    /// <summary>A client that subscribes from now on, and goes on from where it is.</summary>
    public abstract Subscription Subscribe(Transport transport, string channel, Tally tally);

    /// <summary>Whether the first answer on a transport tells that the subscriber waits.</summary>
    public virtual bool IsTold(Transport transport) => transport == Transport.Events;

    protected static byte[] Get(string target, string headers = "") => Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: bench\r\n{headers}\r\n");

    protected static byte[] Post(string target, string text) =>
        Encoding.ASCII.GetBytes($"POST {target} HTTP/1.1\r\nHost: bench\r\nContent-Type: text/plain\r\nContent-Length: {text.Length}\r\n\r\n{text}");
}
