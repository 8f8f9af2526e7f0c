namespace CComet.Web.Hosting;

/// <summary>Writes to the console what must not keep the process from ending.</summary>
internal static class BoundedConsole
{
    /// <summary>How long a line may take to be read.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    /// <summary>Writes a line to the standard error; gives up when it cannot be written within two seconds.</summary>
    public static async Task WriteErrorAsync(string line)
    {
        // On a thread of its own: a write to a pipe that is not read blocks, also where it is called asynchronous.
        var written = Task.Factory.StartNew(() => Console.Error.WriteLine(line), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await Task.WhenAny(written, Task.Delay(Timeout));
    }
}
