using CComet.Web.Hub;
using CComet.Web.Tests.Contract;

namespace CComet.Web.Tests.Stores;

/// <summary>The contract, on a file.</summary>
public sealed class SqliteStoreTests : StoreContract, IDisposable
{
    private readonly SqliteFixture _file = new();

    public void Dispose() => _file.Dispose();

    protected override IMessageStore Open(HubOptions options) => _file.Open(options, Time);
}
