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

    /// <summary>Waits as long as there is progress: false once the condition does not hold and the count has not changed for the time given.</summary>
    /// <remarks>What is slow is not lost: on a busy machine everything may take long, and only standing still tells that nothing will come.</remarks>
    /// <param name="condition">What is waited for.</param>
    /// <param name="progress">A count that changes with each step towards it.</param>
    /// <param name="standstill">How long it may stay the same.</param>
    public static async Task<bool> WhileProgressAsync(Func<bool> condition, Func<long> progress, TimeSpan standstill)
    {
        while (true)
        {
            var seen = progress();
            if (await UntilAsync(() => condition() || progress() != seen, standstill) is false) return false;
            if (condition()) return true;
        }
    }
}
