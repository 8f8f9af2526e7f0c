namespace CComet.Client.Tests.Support;

/// <summary>Bounds how long a test waits for an event that must come: decides nothing but when a test that hangs is given up.</summary>
public static class Patience
{
    /// <summary>Two minutes.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>Waits for an event that must come.</summary>
    public static Task<T> InTime<T>(this Task<T> task) => task.WaitAsync(Limit);

    /// <summary>Waits for an event that must come.</summary>
    public static Task InTime(this Task task) => task.WaitAsync(Limit);
}
