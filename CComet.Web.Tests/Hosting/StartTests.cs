using CComet.Web.Tests.Docs;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hosting;

/// <summary>Where the server looks for its files, and what it takes of the system.</summary>
public sealed class StartTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ccomet-root-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Published_program_started_from_elsewhere_finds_its_pages_settings_and_data()
    {
        // As dotnet publish leaves it: the program, its settings and its pages in one folder.
        var program = _folder.CreateSubdirectory("program");
        Copy(new DirectoryInfo(AppContext.BaseDirectory), program, file => !file.Name.Contains(".Tests.", StringComparison.Ordinal));
        Copy(new DirectoryInfo(Path.Combine(Documents.Root, "CComet.Web", "wwwroot")), program.CreateSubdirectory("wwwroot"), _ => true);
        await File.WriteAllTextAsync(Path.Combine(program.FullName, "appsettings.json"), """{"CComet":{"Limits":{"MessageBytes":3}},"urls":"http://127.0.0.1:0"}""");
        var elsewhere = _folder.CreateSubdirectory("elsewhere");

        await using var server = ServerProcess.StartIn(elsewhere.FullName, "dotnet", Path.Combine(program.FullName, "CComet.Web.dll"));
        using var http = await server.ClientAsync();
        Assert.Equal(200, (await http.AskAsync("/chat.html")).Status);
        (await http.AskAsync("/pub?channel=c&msg=1234")).AssertProblem(413, "msg");
        await http.PublishAsync("c", "m");
        Assert.True(File.Exists(Path.Combine(program.FullName, "data", "ccomet.db")));
        Assert.Empty(elsewhere.EnumerateFileSystemInfos());
        if (OperatingSystem.IsLinux()) Assert.DoesNotContain(server.OpenFiles, file => file.Contains("inotify", StringComparison.Ordinal));
    }

    private static void Copy(DirectoryInfo from, DirectoryInfo to, Func<FileInfo, bool> isWanted)
    {
        foreach (var file in from.EnumerateFiles().Where(isWanted)) file.CopyTo(Path.Combine(to.FullName, file.Name));
        foreach (var folder in from.EnumerateDirectories().Where(f => f.Name is "runtimes" or "linux-x64" or "linux-arm64" or "native" or "js" or "css" || from.Name is "wwwroot"))
            Copy(folder, to.CreateSubdirectory(folder.Name), isWanted);
    }
}
