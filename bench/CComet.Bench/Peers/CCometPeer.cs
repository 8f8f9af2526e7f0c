using System.Text;
using CComet.Bench.Load;

namespace CComet.Bench.Peers;

/// <summary>CComet, built in this checkout or published elsewhere, with the memory store.</summary>
internal sealed class CCometPeer(string name, string folder, string content) : Peer
{
    /// <summary>It gives memory back some seconds after a burst, and rests for half a minute then.</summary>
    internal static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(40);

    public override string Name => name;

    public override TimeSpan Settles => SettleTime;

    public override Task<Server> StartAsync() => Server.StartAsync("dotnet", port => Arguments(folder, content, port));

    /// <summary>The arguments of a build, listening on a port; 0 means any.</summary>
    internal static IEnumerable<string> Arguments(string folder, string content, int port) =>
    [
        Path.Combine(folder, "CComet.Web.dll"), $"--urls=http://127.0.0.1:{port}", $"--contentRoot={content}", "--CComet:Store:Kind=Memory",

        // The load has one address, which may else have no more than seven eighths of the connections.
        "--CComet:Limits:ConnectionsPerAddress=20000", "--Serilog:MinimumLevel:Default=Warning",
    ];

    public override Subscription Subscribe(Transport transport, string channel, Tally tally) => transport == Transport.Events
        ? new StreamClient(Get($"/sse?channel={channel}"), tally)
        : new PollClient(Get($"/sub?channel={channel}"), head => Get($"/sub?channel={channel}&cursor={Encoding.ASCII.GetString(Connection.Header(head, "CComet-Cursor: "u8))}"), tally);
}
