namespace CComet.Web.Tests.Support;

/// <summary>The pause of a client whose connection was refused or broke, as real ones make it: without it, clients take the processor from the server that starts.</summary>
public static class Backoff
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Waits for the pause; ends early when the token is cancelled.</summary>
    public static Task WaitAsync(CancellationToken over) => Task.Delay(Pause, over);
}
