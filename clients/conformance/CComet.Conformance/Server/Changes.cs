namespace CComet.Conformance.Server;

/// <summary>Lets tasks wait for a condition over the state that they share: the state is changed under its lock, and each change is told.</summary>
internal sealed class Changes
{
    private TaskCompletionSource _next = New();

    /// <summary>Held whenever the state is read or changed.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Ends with the next change. Read it under the lock in which the condition was found not to hold.</summary>
    public Task Next => _next.Task;

    /// <summary>Tells of a change. Call it under the lock.</summary>
    public void Tell()
    {
        var told = _next;
        _next = New();
        told.SetResult();
    }

    /// <summary>Waits until a condition holds.</summary>
    public async Task UntilAsync(Func<bool> condition, CancellationToken token)
    {
        for (; ; )
        {
            Task next;
            lock (Gate)
            {
                if (condition()) return;
                next = Next;
            }

            await next.WaitAsync(token);
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
