using CComet.Web.Tests.Docs;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Clients.Java;

/// <summary><c>clients/java/build.sh test</c>, run once into a folder of its own, and what it has built.</summary>
public sealed class JavaBuild : IAsyncLifetime
{
    private const string Package = "openjdk-17-jdk-headless";
    private const int Patiences = 5;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ccomet-java-");

    /// <summary>How it ended.</summary>
    public int ExitCode { get; private set; }

    /// <summary>What it said.</summary>
    public string Output { get; private set; } = "";

    /// <summary>The jar that applications use.</summary>
    public string Jar => Assert.Single(Directory.GetFiles(Target, "ccomet-client-*.jar"), file => !file.EndsWith("-sources.jar", StringComparison.Ordinal) && !file.EndsWith("-javadoc.jar", StringComparison.Ordinal));

    /// <summary>Where the programs run.</summary>
    public string Folder => _folder.FullName;

    /// <summary>All that was built.</summary>
    public string Target => Path.Combine(_folder.FullName, "target");

    public async Task InitializeAsync()
    {
        await using var build = RunningProgram.Start("env", Package, null, $"CCOMET_TARGET={Target}", Path.Combine(Documents.Root, "clients", "java", "build.sh"), "test");
        for (var patience = Patiences; ; patience--)
        {
            try
            {
                ExitCode = await build.ExitCodeAsync();
                break;
            }
            catch (OperationCanceledException) when (patience > 1)
            {
                // It compiles and tests a whole client: on a busy machine that takes its time.
            }
        }

        Output = string.Join('\n', build.Lines.Append(build.Complaints));
    }

    public Task DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return Task.CompletedTask;
    }

    /// <summary>Starts one of the programs in <c>clients/java/src/test/programs</c>, on the jar.</summary>
    public RunningProgram Start(string program, params string[] arguments) => StartWith([], program, arguments);

    /// <summary>The same with options of the JVM.</summary>
    public RunningProgram StartWith(string[] options, string program, params string[] arguments) =>
        RunningProgram.Start("/usr/bin/java", Package, _folder.FullName, ["-XX:TieredStopAtLevel=1", .. options, "-cp", $"{Jar}:{Path.Combine(Target, "programs")}:{Path.Combine(Target, "sample-console")}", program, .. arguments]);
}
