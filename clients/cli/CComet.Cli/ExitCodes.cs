namespace CComet.Cli;

/// <summary>What the program ends with.</summary>
internal static class ExitCodes
{
    public const int Done = 0;

    /// <summary>The server refused, cannot be reached, or has no such thing.</summary>
    public const int Failed = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary><c>sub --strict</c>: messages were lost. <c>explain</c>: the caller may not.</summary>
    public const int Negative = 3;

    /// <summary>Ctrl-C.</summary>
    public const int Canceled = 130;
}

/// <summary>Ends the program with one line.</summary>
/// <param name="message">The line.</param>
/// <param name="code">The exit code.</param>
internal sealed class CliException(string message, int code = ExitCodes.Failed) : Exception(message)
{
    public int Code => code;
}
