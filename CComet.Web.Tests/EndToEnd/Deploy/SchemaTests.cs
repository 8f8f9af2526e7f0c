using CComet.Web.Tests.Docs;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.EndToEnd.Deploy;

/// <summary>What is in <c>deploy/</c> for other programs to read is held against their own schemas.</summary>
public sealed class SchemaTests
{
    private static readonly string Folder = Path.Combine(Documents.Root, "CComet.Web.Tests", "EndToEnd", "Deploy", "schemas");

    [Theory]
    [InlineData("deploy/kubernetes.yaml", 5)]
    [InlineData("deploy/compose.one-node.yml", 1)]
    [InlineData("deploy/compose.public.yml", 1)]
    [InlineData("docker-compose.yml", 1)]
    public async Task Documents_fit_the_schema_of_their_kind(string path, int count)
    {
        await using var validate = Validate(Path.Combine(Documents.Root, path));
        await validate.SucceedAsync();
        await Eventually.TrueAsync(() => validate.Lines.Count == count, "Each document is told");
    }

    [Theory]
    [InlineData("deploy/kubernetes.yaml", "replicas: 2", "replicas: two")]
    [InlineData("deploy/compose.one-node.yml", "stop_grace_period:", "stop_grace:")]
    public async Task Document_with_a_mistake_does_not_fit(string path, string right, string wrong)
    {
        var file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}{Path.GetExtension(path)}");
        await File.WriteAllTextAsync(file, Documents.Read(path).Replace(right, wrong, StringComparison.Ordinal));
        try
        {
            await using var validate = Validate(file);
            Assert.Equal(1, await validate.ExitCodeAsync());
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Systemd_takes_the_unit()
    {
        // It looks whether the program is there: on a machine where the SDK is elsewhere, the name of one that is.
        var file = Path.Combine(Directory.CreateTempSubdirectory("ccomet-unit-").FullName, "ccomet.service");
        await File.WriteAllTextAsync(file, Documents.Read("deploy/ccomet.service").Replace("/usr/bin/dotnet", "/usr/bin/env", StringComparison.Ordinal));
        await using var verify = RunningProgram.Start("/usr/bin/systemd-analyze", "systemd", null, "verify", "--man=no", file);
        await verify.SucceedAsync();
        Assert.DoesNotContain("Unknown", verify.Complaints, StringComparison.Ordinal);
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
    }

    private static RunningProgram Validate(string file) => RunningProgram.Start("node", "nodejs", Folder, "validate.mjs", file);
}
