using System.Diagnostics;

namespace CComet.Web.Tests.EndToEnd.Browser;

/// <summary>The type declarations of the JS client, as the compiler of TypeScript takes them.</summary>
public sealed class TypesTests
{
    [Fact]
    public async Task Correct_use_compiles_and_wrong_use_does_not()
    {
        var folder = Path.Combine(Chromium.Root, "CComet.Web.Tests", "EndToEnd", "Browser");
        using var compiler = Process.Start(new ProcessStartInfo(Path.Combine(folder, "node_modules", ".bin", "tsc"), ["-p", "types"])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
        })!;
        var told = await compiler.StandardOutput.ReadToEndAsync();
        await compiler.WaitForExitAsync();

        // Lines that must not compile say so themselves, by @ts-expect-error.
        Assert.Equal("", told);
        Assert.Equal(0, compiler.ExitCode);
    }
}
