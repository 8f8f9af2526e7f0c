namespace CComet.Web.Tests.Support;

/// <summary>Bounds how long a test waits for an event that must come.</summary>
/// <remarks>It decides nothing but when a test that hangs is given up: a machine that is busy with other work may take minutes for what else takes milliseconds.</remarks>
public static class Patience
{
    /// <summary>Two minutes.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
}
