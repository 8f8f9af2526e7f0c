using CComet.Simulator.Commands;

namespace CComet.Simulator;

/// <summary>
/// Puts load on a CComet server. <c>Commands</c> read what is asked for, <c>Scenarios</c> do it with <c>Clients</c> that speak the
/// <c>Wire</c>, <c>Checks</c> hold what comes to the promise, <c>Figures</c> count and time it, and <c>Report</c> shows it.
/// </summary>
internal static class Program
{
    private static Task<int> Main(string[] args)
    {
        // Before the first socket: what comes is taken on the thread that heard of it. Nothing here waits in a receiver, and the
        // way through the thread pool would cost more than taking a message does.
        const string inline = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";
        if (Environment.GetEnvironmentVariable(inline) is null) Environment.SetEnvironmentVariable(inline, "1");
        return new SimulatorApp(Console.Out, Console.Error).RunAsync(args);
    }
}
