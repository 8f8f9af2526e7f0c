using CComet.Bench.Load;

namespace CComet.Bench.Peers;

/// <summary>A minimal API whose one endpoint does nothing: what the web server itself costs.</summary>
internal sealed class EmptyPeer(string root) : Peer
{
    public override string Name => "an empty endpoint";

    public override Task<Server> StartAsync() => Server.StartAsync("dotnet", port => [PeersApp.In(root), "--empty=true", $"--urls=http://127.0.0.1:{port}"]);

    public override byte[] Publish(string channel, string text) => Post($"/empty?channel={channel}", text);

    public override Subscription Subscribe(Transport transport, string channel, Tally tally) => throw new NotSupportedException("It has no subscribers.");
}
