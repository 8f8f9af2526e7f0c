using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace CComet.Web.Tests.Support;

/// <summary>A logger that keeps its lines.</summary>
public sealed class LogLines<T> : ILogger<T>
{
    private readonly ConcurrentQueue<string> _lines = [];

    /// <summary>The lines so far, values filled in.</summary>
    public IReadOnlyCollection<string> Lines => _lines;

    /// <summary>How many of them hold a text.</summary>
    public int Count(string text) => _lines.Count(line => line.Contains(text, StringComparison.Ordinal));

    /// <summary>Forgets them.</summary>
    public void Clear() => _lines.Clear();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue(formatter(state, exception));
}
