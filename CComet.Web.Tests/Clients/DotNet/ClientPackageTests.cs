using CComet.Web.Tests.Docs;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Clients.DotNet;

/// <summary>The package of the .NET client, as a fresh project uses it by the lines of its README.</summary>
public sealed class ClientPackageTests
{
    private const string Version = "0.1.0";

    private static readonly string[] Linkers = ["clang", "gcc"];

    [Fact]
    public async Task Fresh_project_uses_the_package_by_its_documented_lines_without_a_warning_of_trimming()
    {
        var folder = Directory.CreateTempSubdirectory("ccomet-package-");
        await RunAsync(Documents.Root, "pack", "clients/dotnet/CComet.Client", "-o", Path.Combine(folder.FullName, "feed"), "--nologo", "-v", "quiet");

        // With a linker at hand it becomes native code; else it is trimmed. Warnings of both are errors.
        var linker = Linkers.FirstOrDefault(IsInstalled);
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "Fresh.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <InvariantGlobalization>true</InvariantGlobalization>
                {(linker is null ? "<PublishTrimmed>true</PublishTrimmed><SelfContained>true</SelfContained>" : $"<PublishAot>true</PublishAot><CppCompilerAndLinker>{linker}</CppCompilerAndLinker>")}
                <RestoreAdditionalProjectSources>feed</RestoreAdditionalProjectSources>
                <RestorePackagesPath>packages</RestorePackagesPath>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="CComet.Client" Version="{Version}" />
              </ItemGroup>
            </Project>
            """);
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "Program.cs"), Program());
        await RunAsync(folder.FullName, "publish", "-o", "out", "--nologo", "-v", "quiet");

        await using var server = await LiveServer.StartAsync();
        await server.PublishAsync("lobby", "first");
        await using var program = RunningProgram.Start(Path.Combine(folder.FullName, "out", "Fresh"), "dotnet-sdk-10.0", folder.FullName, server.Url);
        await program.SucceedAsync();
        await Eventually.TrueAsync(() => program.Lines.Count >= 3, "What it prints");
        Assert.Equal(["first", "1 False", "hi"], program.Lines);
        folder.Delete(recursive: true);
    }

    /// <summary>The README's example, between what it leaves to the application.</summary>
    private static string Program()
    {
        var readme = Documents.Read("clients/dotnet/CComet.Client/README.md");
        var lines = readme.Split('\n').SkipWhile(line => line != "```csharp").Skip(1).TakeWhile(line => line != "```").Where(line => line.Length > 0).ToArray();
        Assert.Equal(4, lines.Length);

        // The example's loop goes on for ever: here it is left behind the first message, and again behind the one that was published.
        Assert.EndsWith(" }", lines[2], StringComparison.Ordinal);
        var loop = $"{lines[2][..^1]}if (m.Seqid == last) break; }}";
        return $$"""
            {{lines[0]}}
            var (url, payload, ct, last) = (args[0], "hi", CancellationToken.None, 0L);
            CCometCursor? saved = null;
            var tokens = new Tokens();
            {{lines[1]}}
            {{loop}}
            {{lines[3]}}
            Show($"{receipt.Seqid} {receipt.Duplicate}");
            last = receipt.Seqid;
            {{loop}}

            void Show(string text) => Console.WriteLine(text);

            sealed class Tokens
            {
                public Task<string?> GetAsync(CancellationToken ct) => Task.FromResult<string?>(null);
            }
            """;
    }

    private static bool IsInstalled(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));

    private static async Task RunAsync(string folder, params string[] arguments)
    {
        await using var program = RunningProgram.Start("dotnet", "dotnet-sdk-10.0", folder, arguments);
        Assert.True(await program.ExitCodeAsync() == 0, $"dotnet {arguments[0]} failed: {string.Join('\n', program.Lines)}");
    }
}
