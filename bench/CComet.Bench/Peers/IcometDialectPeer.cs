using CComet.Bench.Load;

namespace CComet.Bench.Peers;

/// <summary>A server that speaks the dialect of icomet, so that one client measures icomet itself and CComet: subscribers on one address, publishers on another.</summary>
internal abstract class IcometDialectPeer : Peer
{
    /// <summary>In the query, as icomet's own clients do; nothing in the load's texts needs to be escaped there.</summary>
    public sealed override byte[] Publish(string channel, string text) => Get($"/push?cname={channel}&content={text}");

    public sealed override Subscription Subscribe(Transport transport, string channel, Tally tally) => transport == Transport.Events
        ? new StreamClient(Get($"/sse?cname={channel}&seq=0"), tally)
        : new IcometPollClient((seq, noop) => Get($"/sub?cname={channel}&seq={seq}&noop={noop}"), tally);
}
