using CComet.Web.Hub;
using CComet.Web.Stores;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace CComet.Web.Tests.Stores;

/// <summary>A database in a folder of its own, and the stores that were opened on it.</summary>
public sealed class SqliteFixture : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ccomet-sqlite-");
    private readonly List<SqliteStore> _stores = [];

    public string Folder => _folder.FullName;

    public string Path => System.IO.Path.Combine(Folder, "deep", "ccomet.db");

    public SqliteStore Open(HubOptions? options = null, TimeProvider? time = null, StoreOptions? store = null)
    {
        var opened = new SqliteStore(
            Options.Create((store ?? new StoreOptions()) with { Path = Path }),
            Options.Create(options ?? new HubOptions()),
            new Here(Folder),
            time ?? TimeProvider.System,
            NullLogger<SqliteStore>.Instance);
        _stores.Add(opened);
        return opened;
    }

    public void Dispose()
    {
        foreach (var store in _stores) store.DisposeAsync().AsTask().Wait();
        _folder.Delete(recursive: true);
    }

    private sealed class Here(string folder) : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = "Test";

        public string ApplicationName { get; set; } = "CComet";

        public string ContentRootPath { get; set; } = folder;

        public IFileProvider ContentRootFileProvider { get; set; } = new NullFileProvider();
    }
}
