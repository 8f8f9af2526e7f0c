using System.Globalization;

namespace CComet.Kestrel;

/// <summary>The process's descriptors, as Linux tells of them; elsewhere nothing is known, and nothing is bounded by them.</summary>
internal static class OpenFiles
{
    /// <summary>
    /// Returns how many descriptors the process may have open (RLIMIT_NOFILE); null when it is unlimited or unknown. It is the soft
    /// limit, which the runtime has raised to the hard one before any of our code runs.
    /// </summary>
    public static int? Limit()
    {
        try
        {
            return LimitOf(File.ReadLines("/proc/self/limits"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Returns how many descriptors the process has open; 0 when unknown.</summary>
    public static int InUse()
    {
        try
        {
            return Directory.EnumerateFileSystemEntries("/proc/self/fd").Count();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    /// <summary>Reads the soft limit from the lines of <c>/proc/self/limits</c>.</summary>
    internal static int? LimitOf(IEnumerable<string> limits)
    {
        const string Name = "Max open files ";
        var line = limits.FirstOrDefault(l => l.StartsWith(Name, StringComparison.Ordinal));
        var soft = line?[Name.Length..].Split(' ', 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[0];
        return long.TryParse(soft, CultureInfo.InvariantCulture, out var limit) && limit < int.MaxValue ? (int)limit : null;
    }
}
