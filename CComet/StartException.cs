namespace CComet;

/// <summary>Says in one line why the server does not start, and what to do.</summary>
internal sealed class StartException : Exception
{
    public StartException(string message)
        : base(message)
    {
    }

    public StartException(string message, Exception inner)
        : base(message, inner)
    {
    }

    public StartException()
    {
    }
}
