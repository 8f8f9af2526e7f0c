using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Clients.Samples;

/// <summary>What the tests of the samples wait for.</summary>
internal static class RunningProgramWaits
{
    /// <summary>Waits until a program has printed so many lines.</summary>
    public static Task PrintsAsync(this RunningProgram program, int count) => program.UntilAsync(() => program.Lines.Count >= count, $"{count} lines");

    /// <summary>Waits for something of a program that must go on.</summary>
    public static async Task UntilAsync(this RunningProgram program, Func<bool> condition, string what)
    {
        await Eventually.TrueAsync(() => program.HasExited || condition(), what);
        Assert.True(condition(), $"The program has ended before it came to {what}: {program.Complaints}");
    }
}
