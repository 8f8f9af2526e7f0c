using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Support;

/// <summary>
/// Turns a clock while something is waited for. What the clock is to end may be set only after the clock was turned once, so one turn of the right length may be too early.
/// How far the clock is turned in all depends on the machine: only that is asserted which holds at any later time too.
/// </summary>
public static class TurnedClock
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(5);

    /// <summary>Turns the clock, step by step, until the condition holds.</summary>
    public static Task UntilAsync(this FakeTimeProvider time, Func<bool> condition, TimeSpan step, string what) =>
        time.UntilAsync(() => Task.FromResult(condition()), step, what);

    /// <summary>The same for a condition that has to be asked for.</summary>
    public static Task UntilAsync(this FakeTimeProvider time, Func<Task<bool>> condition, TimeSpan step, string what) => Eventually.TrueAsync(
        async () =>
        {
            if (await condition()) return true;
            time.Advance(step);
            return false;
        },
        what);

    /// <summary>Turns the clock, step by step (5 s each unless told), until a task is done.</summary>
    public static async Task<T> UntilAsync<T>(this FakeTimeProvider time, Task<T> task, TimeSpan? step = null)
    {
        await time.UntilAsync(() => task.IsCompleted, step ?? Step, "What is due");
        return await task;
    }
}
