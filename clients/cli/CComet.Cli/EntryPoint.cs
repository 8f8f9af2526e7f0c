namespace CComet.Cli;

/// <summary>Where the program begins.</summary>
internal static class EntryPoint
{
    public static async Task<int> Main(string[] args)
    {
        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, pressed) =>
        {
            pressed.Cancel = true;
            stop.Cancel();
        };
        return await new CliApplication(CliConsole.Create()).RunAsync(args, stop.Token);
    }
}
