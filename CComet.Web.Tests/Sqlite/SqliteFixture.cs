using System.Diagnostics;
using CComet.Sqlite;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace CComet.Web.Tests.Sqlite;

/// <summary>A database in a folder of its own, and the stores that were opened on it.</summary>
public sealed class SqliteFixture : IDisposable
{
    private static readonly string[] Suffixes = ["", "-wal", "-shm", "-mark"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ccomet-sqlite-");
    private readonly List<SqliteStore> _stores = [];

    public string Folder => _folder.FullName;

    public string Path => System.IO.Path.Combine(Folder, "deep", "ccomet.db");

    public SqliteStore Open(HubOptions? options = null, TimeProvider? time = null, SqliteStoreOptions? store = null)
    {
        var opened = new SqliteStore(
            Options.Create((store ?? new SqliteStoreOptions()) with { Path = Path }),
            Options.Create(options ?? new HubOptions()),
            new Here(Folder),
            time ?? TimeProvider.System,
            NullLogger<SqliteStore>.Instance);
        _stores.Add(opened);
        return opened;
    }

    /// <summary>What a statement says of the file, asked beside the server.</summary>
    public long Ask(string sql)
    {
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToInt64(command.ExecuteScalar(), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Another program's connection to the file.</summary>
    public SqliteConnection Connect()
    {
        var connection = new SqliteConnection($"Data Source={Path};Pooling=false");
        connection.Open();
        return connection;
    }

    /// <summary>The files as they are at this moment, as after the sudden end of a server, in a folder of their own.</summary>
    public SqliteFixture Copy()
    {
        var copy = new SqliteFixture();
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(copy.Path)!);
        foreach (var suffix in Suffixes.Where(s => File.Exists(Path + s))) File.WriteAllBytes(copy.Path + suffix, ReadShared(Path + suffix));
        return copy;
    }

    /// <summary>Ends the stores in good order.</summary>
    public async Task CloseAsync()
    {
        foreach (var store in _stores) await store.DisposeAsync();
    }

    public void Dispose()
    {
        foreach (var store in _stores) store.DisposeAsync().AsTask().Wait();
        _folder.Delete(recursive: true);
    }

    /// <summary>Without asking for the locks that the server holds, as cp does.</summary>
    private static byte[] ReadShared(string path)
    {
        using var cat = Process.Start(new ProcessStartInfo("cat", [path]) { RedirectStandardOutput = true })!;
        using var bytes = new MemoryStream();
        cat.StandardOutput.BaseStream.CopyTo(bytes);
        cat.WaitForExit();
        return bytes.ToArray();
    }

    private sealed class Here(string folder) : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = "Test";

        public string ApplicationName { get; set; } = "CComet";

        public string ContentRootPath { get; set; } = folder;

        public IFileProvider ContentRootFileProvider { get; set; } = new NullFileProvider();
    }
}
