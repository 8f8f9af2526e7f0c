using System.Collections.Concurrent;

namespace MauiConsole;

/// <summary>The UI thread of a console: what is posted runs on it, one after another. MAUI, WPF and Windows Forms bring their own.</summary>
internal sealed class UiThread : SynchronizationContext
{
    private readonly BlockingCollection<(SendOrPostCallback Callback, object? State)> _work = [];
    private readonly int _thread = Environment.CurrentManagedThreadId;

    private UiThread()
    {
    }

    /// <summary>Runs an application on the calling thread, until its task is over.</summary>
    public static void Run(Func<UiThread, Task> application)
    {
        var ui = new UiThread();
        SetSynchronizationContext(ui);
        var running = application(ui);
        running.ContinueWith(_ => ui._work.CompleteAdding(), TaskScheduler.Default);
        foreach (var (callback, state) in ui._work.GetConsumingEnumerable()) callback(state);
        running.GetAwaiter().GetResult();
    }

    /// <summary>Throws on another thread, as the controls of a UI do.</summary>
    public void VerifyAccess()
    {
        if (Environment.CurrentManagedThreadId != _thread) throw new InvalidOperationException("Only the UI thread may change what is shown.");
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        try
        {
            _work.Add((d, state));
        }
        catch (InvalidOperationException)
        {
            // The application is over.
        }
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("Post it.");
}
