namespace CComet.Client.Connections;

/// <summary>Random numbers, so that clients that were cut off together do not come back together.</summary>
internal static class Jitter
{
#if NET
    public static double Next() => Random.Shared.NextDouble();
#else
    private static readonly Random Shared = new(Guid.NewGuid().GetHashCode());

    public static double Next()
    {
        lock (Shared) return Shared.NextDouble();
    }
#endif
}
