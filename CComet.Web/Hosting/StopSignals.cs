using System.Runtime.InteropServices;

namespace CComet.Web.Hosting;

/// <summary>The signals that stop the server.</summary>
internal static class StopSignals
{
    /// <summary>The signals, with their numbers.</summary>
    private static readonly (PosixSignal Signal, int Number)[] All = [(PosixSignal.SIGHUP, 1), (PosixSignal.SIGINT, 2), (PosixSignal.SIGQUIT, 3), (PosixSignal.SIGTERM, 15)];

    /// <summary>
    /// Has SIGHUP stop the server as the others do, and the second signal end the process at once, with 128 and its number as the
    /// exit code, whatever still waits. Until what is returned is disposed of.
    /// </summary>
    /// <remarks>
    /// The second one ends the process by the system call: an orderly exit would write what the log still has, and close what is open,
    /// and either may be what hangs.
    /// </remarks>
    public static IDisposable EndOnSecondSignal(this WebApplication app)
    {
        var signals = 0;
        return new Registrations(Array.ConvertAll(All, s => PosixSignalRegistration.Create(s.Signal, context => OnSignal(context, s.Number))));

        void OnSignal(PosixSignalContext context, int number)
        {
            if (Interlocked.Increment(ref signals) > 1) ExitNow(128 + number);
            if (context.Signal != PosixSignal.SIGHUP) return;
            context.Cancel = true;
            app.Lifetime.StopApplication();
        }
    }

    private static void ExitNow(int code)
    {
        if (OperatingSystem.IsWindows()) Environment.Exit(code);
        else Exit(code);
    }

    [DllImport("libc", EntryPoint = "_exit")]
    private static extern void Exit(int code);

    private sealed class Registrations(PosixSignalRegistration[] all) : IDisposable
    {
        public void Dispose() => Array.ForEach(all, one => one.Dispose());
    }
}
