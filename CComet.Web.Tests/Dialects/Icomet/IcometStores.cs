namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary>A server on each store of one node with the settings as delivered, for all the tests of a class; each uses channels of its own.</summary>
public sealed class IcometStores : IAsyncLifetime
{
    private readonly Dictionary<string, IcometServer> _servers = [];

    /// <summary>The server on a store.</summary>
    public IcometServer this[string store] => _servers[store];

    public async Task InitializeAsync()
    {
        foreach (var store in IcometServer.Stores) _servers[store] = await IcometServer.StartAsync(store);
    }

    public async Task DisposeAsync()
    {
        foreach (var server in _servers.Values) await server.DisposeAsync();
    }
}
