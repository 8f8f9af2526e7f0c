using CComet.Cli;

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};
return await new CliApplication(CliConsole.Create()).RunAsync(args, stop.Token);
