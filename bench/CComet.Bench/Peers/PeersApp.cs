namespace CComet.Bench.Peers;

/// <summary>The app with the peers that are of the same framework.</summary>
internal static class PeersApp
{
    public static string In(string root) => Path.Combine(root, "bench", "CComet.Bench.Peers", "bin", "Release", "net10.0", "CComet.Bench.Peers.dll");
}
