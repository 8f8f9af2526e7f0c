using CComet.Bench.Load;

namespace CComet.Bench.Peers;

/// <summary>SignalR, in the app beside this one: a group for each channel.</summary>
internal sealed class SignalRPeer(string root) : Peer
{
    public override string Name => "SignalR";

    public override Task<Server> StartAsync() => Server.StartAsync("dotnet", port => [PeersApp.In(root), $"--urls=http://127.0.0.1:{port}"]);

    public override Subscription Subscribe(Transport transport, string channel, Tally tally) => new SignalRClient(transport, channel, tally);

    public override bool IsTold(Transport transport) => true;
}
