namespace CComet.Sqlite;

/// <summary>Tells whether the process, or the machine, has any files left to open.</summary>
internal static class OpenFileLimit
{
    private const int MachineIsFull = 23;
    private const int ProcessIsFull = 24;

    /// <summary>True for a failure that says that no more files may be open: EMFILE, ENFILE.</summary>
    public static bool IsExhaustion(IOException exception) => exception.HResult is ProcessIsFull or MachineIsFull;

    /// <summary>Tries to open a file that is always there: SQLite does not tell why it could not open its own.</summary>
    public static bool AreUsedUp()
    {
        try
        {
            File.OpenHandle("/dev/null").Dispose();
            return false;
        }
        catch (IOException e)
        {
            return IsExhaustion(e);
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }
}
