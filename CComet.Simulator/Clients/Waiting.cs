using System.Diagnostics;

namespace CComet.Simulator.Clients;

/// <summary>Waits for what has no event of its own.</summary>
internal static class Waiting
{
    /// <summary>Looks every two milliseconds until the condition holds; false when the time is up first.</summary>
    public static async Task<bool> UntilAsync(Func<bool> condition, TimeSpan atMost)
    {
        var began = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(began) > atMost) return false;
            await Task.Delay(2);
        }

        return true;
    }
}
