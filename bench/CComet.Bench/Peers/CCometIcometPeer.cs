namespace CComet.Bench.Peers;

/// <summary>CComet with the memory store, measured through the dialect of icomet.</summary>
internal sealed class CCometIcometPeer(string folder, string content) : IcometDialectPeer
{
    public override string Name => "CComet via icomet dialect";

    public override TimeSpan Settles => CCometPeer.SettleTime;

    /// <summary>The address of its own dialect is any that is free: nobody asks there.</summary>
    public override Task<Server> StartAsync() => Server.StartAsync("dotnet", (front, admin) =>
    [
        .. CCometPeer.Arguments(folder, content, port: 0), $"--CComet:Icomet:Front=http://127.0.0.1:{front}", $"--CComet:Icomet:Admin=http://127.0.0.1:{admin}",
    ]);
}
