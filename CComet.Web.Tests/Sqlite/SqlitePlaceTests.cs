using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.Versioning;
using CComet.Interop;
using CComet.Sqlite;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Sqlite;

/// <summary>Who may read the files of a database, and what at their paths is not opened.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class SqlitePlaceTests : IDisposable
{
    private const UnixFileMode ForUser = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly SqliteFixture _file = new();

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task Files_and_folder_that_the_server_makes_are_its_users_alone()
    {
        await _file.Open().AppendAsync([HubFixture.NewMessage("c", "0")]);
        foreach (var suffix in (string[])["", "-wal", "-shm", "-mark"]) Assert.Equal((suffix, ForUser), (suffix, File.GetUnixFileMode(_file.Path + suffix)));
        Assert.Equal(ForUser | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(_file.Path)!));
    }

    [Theory]
    [InlineData("000")]
    [InlineData("022")]
    [InlineData("077")]
    public async Task Server_that_starts_under_any_umask_makes_nothing_that_others_may_read(string umask)
    {
        var folder = Path.GetDirectoryName(_file.Path)!;
        await using var server = ServerProcess.StartBy(["/bin/sh", "-c", $"umask {umask}; exec \"$@\"", "sh"], "--CComet:Store:Kind=Sqlite", $"--CComet:Store:Path={_file.Path}");
        using var http = await server.ClientAsync();
        await http.PublishAsync("c", "m");
        Assert.Equal(ForUser | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
        var files = Directory.GetFiles(folder);
        Assert.Equal(4, files.Length);
        Assert.All(files, file => Assert.Equal((file, ForUser), (file, File.GetUnixFileMode(file))));
        Assert.DoesNotContain(server.Output, line => line.Contains("user of this machine", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Database_that_every_user_may_read_is_narrowed_at_the_start_and_one_that_its_group_may_read_is_not()
    {
        const UnixFileMode all = ForUser | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        await _file.Open().AppendAsync([HubFixture.NewMessage("c", "0")]);
        using var killed = _file.Copy();
        string[] files = [killed.Path, killed.Path + "-wal", killed.Path + "-mark"];
        foreach (var file in files) File.SetUnixFileMode(file, all);
        Assert.Equal(1, (await killed.Open().AppendAsync([HubFixture.NewMessage("c", "1")]))[0].Seqid);
        foreach (var file in (string[])[.. files, killed.Path + "-shm"]) Assert.Equal((file, ForUser), (file, File.GetUnixFileMode(file)));
        await killed.CloseAsync();

        File.SetUnixFileMode(killed.Path, ForUser | UnixFileMode.GroupRead);
        await killed.Open().AppendAsync([HubFixture.NewMessage("c", "2")]);
        Assert.Equal(ForUser | UnixFileMode.GroupRead, File.GetUnixFileMode(killed.Path));
        Assert.Equal(ForUser | UnixFileMode.GroupRead, File.GetUnixFileMode(killed.Path + "-wal"));
        Assert.Null(SqlitePlace.Narrow(killed.Path));
    }

    [Fact]
    public void Narrowing_follows_a_link_to_a_database_and_none_beside_it()
    {
        const UnixFileMode all = ForUser | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        var (database, other, link) = (Path.Combine(_file.Folder, "real.db"), Path.Combine(_file.Folder, "other"), Path.Combine(_file.Folder, "link.db"));
        foreach (var file in (string[])[database, database + "-wal", other])
        {
            File.WriteAllText(file, "");
            File.SetUnixFileMode(file, all);
        }

        File.CreateSymbolicLink(link, database);
        File.CreateSymbolicLink(link + "-mark", other);
        Assert.Contains("mode 644", SqlitePlace.Narrow(link), StringComparison.Ordinal);
        Assert.Equal((ForUser, ForUser, all), (File.GetUnixFileMode(database), File.GetUnixFileMode(database + "-wal"), File.GetUnixFileMode(other)));
        Assert.Null(SqlitePlace.Narrow(link));
    }

    [Fact]
    public async Task Folder_that_is_there_keeps_its_mode()
    {
        var mode = ForUser | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        Directory.CreateDirectory(Path.GetDirectoryName(_file.Path)!);
        File.SetUnixFileMode(Path.GetDirectoryName(_file.Path)!, mode);
        await _file.Open().AppendAsync([HubFixture.NewMessage("c", "0")]);
        Assert.Equal(mode, File.GetUnixFileMode(Path.GetDirectoryName(_file.Path)!));
        Assert.Null(SqlitePlace.Exposure(_file.Path));
        File.SetUnixFileMode(_file.Path, ForUser | UnixFileMode.OtherRead);
        Assert.Contains("every user", SqlitePlace.Exposure(_file.Path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "folder")]
    [InlineData("-mark", "folder")]
    [InlineData("", "pipe")]
    [InlineData("-mark", "pipe")]
    [InlineData("", "socket")]
    [InlineData("-mark", "socket")]
    [InlineData("", "link")]
    [InlineData("-mark", "link")]
    public async Task Path_that_leads_to_no_file_is_refused_without_blocking(string suffix, string kind)
    {
        var path = _file.Path + suffix;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (kind == "folder") Directory.CreateDirectory(path);
        else if (kind == "pipe") await Process.Start("mkfifo", [path]).WaitForExitAsync();
        else if (kind == "link") File.CreateSymbolicLink(path, path + "-nowhere");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        if (kind == "socket") socket.Bind(new UnixDomainSocketEndPoint(path));

        var store = _file.Open();
        foreach (var ask in (Func<Task>[])[() => store.CheckAsync().AsTask(), () => store.AppendAsync([HubFixture.NewMessage("c", "0")]).AsTask(), () => store.ReadAsync("c", 0, 1).AsTask()])
            Assert.Matches($"the database's (path|mark) is a .*{kind}", (await Assert.ThrowsAsync<StoreUnavailableException>(ask)).Message);
        Assert.False(File.Exists(path + "-nowhere"));
    }

    [Fact]
    public async Task Device_is_refused()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_file.Path)!);
        File.CreateSymbolicLink(_file.Path, "/dev/null");
        var store = _file.Open();
        Assert.Contains("device", (await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.CheckAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Link_at_the_mark_is_not_written_through()
    {
        var precious = Path.Combine(_file.Folder, "precious");
        await File.WriteAllTextAsync(precious, "kept");
        Directory.CreateDirectory(Path.GetDirectoryName(_file.Path)!);
        File.CreateSymbolicLink(_file.Path + "-mark", precious);
        var store = _file.Open();
        Assert.Contains("symbolic link", (await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.CheckAsync())).Message, StringComparison.Ordinal);
        Assert.Equal("kept", await File.ReadAllTextAsync(precious));
    }

    [Fact]
    public async Task Link_to_a_database_elsewhere_is_followed()
    {
        await _file.Open().AppendAsync([HubFixture.NewMessage("c", "0")]);
        await _file.CloseAsync();
        using var other = new SqliteFixture();
        Directory.CreateDirectory(Path.GetDirectoryName(other.Path)!);
        File.CreateSymbolicLink(other.Path, _file.Path);
        Assert.Equal(1, (await other.Open().AppendAsync([HubFixture.NewMessage("c", "1")]))[0].Seqid);
    }

    [Fact]
    public void Kinds_of_files_are_told_apart()
    {
        Assert.Equal(FileKind.Missing, Unix.Look(_file.Folder + "-nowhere").Kind);
        Assert.Equal(FileKind.Folder, Unix.Look(_file.Folder).Kind);
        Assert.Equal(FileKind.Special, Unix.Look("/dev/null").Kind);
        var facts = Unix.Look(typeof(SqlitePlaceTests).Assembly.Location);
        Assert.Equal((FileKind.Regular, File.GetUnixFileMode(typeof(SqlitePlaceTests).Assembly.Location)), (facts.Kind, facts.Mode));
    }

    /// <summary>As a container of OpenShift does: a user without a name, and the group 0.</summary>
    [Fact]
    public async Task Database_in_a_folder_of_the_group_is_the_groups_and_one_of_another_user_is_told_with_what_to_do()
    {
        if (!OperatingSystem.IsLinux() || Unix.Uid != 0) return;
        var group = Directory.CreateDirectory(Path.Combine(_file.Folder, "group"), ForUser | UnixFileMode.UserExecute).FullName;
        var other = Directory.CreateDirectory(Path.Combine(_file.Folder, "other")).FullName;
        File.SetUnixFileMode(_file.Folder, ForUser | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        File.SetUnixFileMode(group, ForUser | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute);
        using (var chown = Process.Start("chown", ["1654:1654", other])) await chown.WaitForExitAsync();

        foreach (var uid in (int[])[1_000_680_000, 1_000_700_000])
        {
            await using var server = AsUser(uid, group);
            using var http = await server.ClientAsync();
            await http.PublishAsync("c", $"{uid}");
            server.Terminate();
            Assert.Equal(0, await server.ExitAsync());
        }

        Assert.Equal(ForUser | UnixFileMode.GroupRead | UnixFileMode.GroupWrite, File.GetUnixFileMode(Path.Combine(group, "ccomet.db")));

        await using var refused = AsUser(1_000_680_000, other);
        using var client = await refused.ClientAsync();
        (await client.AskAsync("/health/ready")).AssertProblem(503);
        var line = await refused.LineAsync("The store cannot write");
        Assert.Single(refused.Output, l => l.Contains("The store cannot write", StringComparison.Ordinal));
        foreach (var part in (string[])[other, "uid 1654", "uid 1000680000, gid 0", "chown"]) Assert.Contains(part, line, StringComparison.Ordinal);
        Assert.DoesNotContain(refused.Output, l => l.Contains("   at ", StringComparison.Ordinal));
    }

    private static ServerProcess AsUser(int uid, string folder) => ServerProcess.StartBy(
        ["setpriv", $"--reuid={uid}", "--regid=0", "--clear-groups", "--"], "--CComet:Store:Kind=Sqlite", $"--CComet:Store:Path={folder}/ccomet.db");
}
