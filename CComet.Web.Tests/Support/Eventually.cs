namespace CComet.Web.Tests.Support;

/// <summary>Waits for something that has no event of its own to await.</summary>
public static class Eventually
{
    /// <summary>Looks until the condition holds; fails when it has not come true within <see cref="Patience.Limit"/>.</summary>
    public static Task TrueAsync(Func<bool> condition, string what = "The condition") => TrueAsync(() => Task.FromResult(condition()), what);

    /// <summary>The same for a condition that has to be asked for.</summary>
    public static async Task TrueAsync(Func<Task<bool>> condition, string what = "The condition")
    {
        using var deadline = new CancellationTokenSource(Patience.Limit);
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        try
        {
            while (!await condition()) await look.WaitForNextTickAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"{what} did not come true within {Patience.Limit.TotalSeconds} s.");
        }
    }

    /// <summary>Asks of a store that is away what has no answer, until it is back.</summary>
    public static Task AnsweredAsync(Func<Task> ask, string what) => AnsweredAsync(
        async () =>
        {
            await ask();
            return true;
        },
        what);

    /// <summary>Asks a store that is away until it is back; its first answer.</summary>
    public static async Task<T> AnsweredAsync<T>(Func<Task<T>> ask, string what)
    {
        T? answer = default;
        await TrueAsync(
            async () =>
            {
                try
                {
                    answer = await ask();
                    return true;
                }
                catch (StoreUnavailableException)
                {
                    return false;
                }
            },
            what);
        return answer!;
    }
}
