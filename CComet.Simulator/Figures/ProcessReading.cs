using System.Globalization;

namespace CComet.Simulator.Figures;

/// <summary>What Linux says of a process.</summary>
/// <param name="RssBytes">Memory that it holds.</param>
/// <param name="AnonymousBytes">The part of it that is no file's.</param>
/// <param name="CpuSeconds">Time on a core, by itself and by the kernel for it.</param>
internal sealed record ProcessReading(long RssBytes, long AnonymousBytes, double CpuSeconds)
{
    /// <summary>Linux tells processor times in hundredths of a second to every program, whatever its own clock.</summary>
    private const double TicksPerSecond = 100;

    /// <summary>Reads /proc; null when there is no such process, or no /proc.</summary>
    public static ProcessReading? Read(int pid)
    {
        try
        {
            var status = File.ReadAllLines($"/proc/{pid}/status");
            var stat = File.ReadAllText($"/proc/{pid}/stat");

            // The second field is the program's name in brackets, in which anything may stand.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            var ticks = long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
            return new ProcessReading(Kilobytes(status, "VmRSS:"), Kilobytes(status, "RssAnon:"), ticks / TicksPerSecond);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static long Kilobytes(string[] status, string name)
    {
        var line = Array.Find(status, l => l.StartsWith(name, StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) * 1024;
    }
}
