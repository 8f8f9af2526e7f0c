using System.Diagnostics;
using System.Runtime.InteropServices;

namespace CComet.Simulator.Clients;

/// <summary>
/// Wakes a thread on time. .NET sleeps in whole milliseconds, and the millisecond slept too long would count as latency of the
/// server; spinning instead would take a core from it.
/// </summary>
internal static class Alarm
{
    /// <summary>Sleeps until the moment, in ticks of <see cref="Stopwatch"/>; longer sleeps are cut, so that an end is noticed.</summary>
    public static void WaitUntil(long moment, CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            var left = moment - Stopwatch.GetTimestamp();
            if (left <= 0) return;
            Sleep(Math.Min((long)(left * (1e9 / Stopwatch.Frequency)), 50_000_000));
        }
    }

    private static void Sleep(long nanoseconds)
    {
        if (OperatingSystem.IsLinux() && Environment.Is64BitProcess)
        {
            var time = new Timespan { Nanoseconds = nanoseconds };
            _ = NanoSleep(in time, nint.Zero);
        }
        else
        {
            Thread.Sleep((int)((nanoseconds + 999_999) / 1_000_000));
        }
    }

    [DllImport("libc", EntryPoint = "nanosleep")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NanoSleep(in Timespan time, nint left);

    [StructLayout(LayoutKind.Sequential)]
    private struct Timespan
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
