namespace CComet.Client.Connections;

/// <summary>Waits by a <see cref="TimeProvider"/>, on both frameworks.</summary>
internal static class Clock
{
    /// <summary>Waits. Ends without an exception, and at once, when canceled.</summary>
    public static async Task PauseAsync(this TimeProvider time, TimeSpan delay, CancellationToken cancellation)
    {
        try
        {
#if NET
            await Task.Delay(delay, time, cancellation).ConfigureAwait(false);
#else
            await time.Delay(delay, cancellation).ConfigureAwait(false);
#endif
        }
        catch (OperationCanceledException)
        {
            // The caller looks at its token.
        }
    }

    /// <summary>Waits until the first of the tasks is over or the time has passed. Leaves no timer behind.</summary>
    /// <returns>Whether a task is over.</returns>
    public static async Task<bool> AnyWithinAsync(this TimeProvider time, TimeSpan delay, CancellationToken cancellation, params Task[] tasks)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var pause = time.PauseAsync(delay, over.Token);
        await Task.WhenAny([.. tasks, pause]).ConfigureAwait(false);
        over.Cancel();
        return tasks.Any(task => task.IsCompleted);
    }
}
