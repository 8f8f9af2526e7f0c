using System.Diagnostics;
using CComet.Http.Requests;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace CComet.Http;

/// <summary>
/// One line for each request: its path as it came, never its query, so that messages stay out of the log. What is not plain in
/// the path is percent-encoded, so that a client cannot make lines of the log.
/// </summary>
internal sealed partial class RequestLog(ILogger<RequestLog> logger)
{
    /// <summary>Returns what the line is given for its beginning; 0 when no lines are written.</summary>
    public long Begin() => logger.IsEnabled(LogLevel.Information) ? Stopwatch.GetTimestamp() : 0;

    /// <summary>Writes the line of a request that is over.</summary>
    public void Write(HttpContext context, long began)
    {
        var status = context.Response.StatusCode;
        if (began == 0 && status < StatusCodes.Status500InternalServerError) return;
        var isHealth = context.Request.Path.StartsWithSegments("/health");
        Write(context.Request.Method, PathOf(context).ToUriComponent(), status, began, isHealth);
    }

    /// <summary>Writes the line of a request that is over, of plain values.</summary>
    /// <param name="method">Its method.</param>
    /// <param name="path">Its path, percent-encoded, without the query.</param>
    /// <param name="status">The status of its answer.</param>
    /// <param name="began">What <see cref="Begin"/> returned.</param>
    /// <param name="isHealth">Whether it is a probe's, of which there are many.</param>
    public void Write(string method, string path, int status, long began, bool isHealth)
    {
        var level = LevelOf(status, isHealth);
        if (!logger.IsEnabled(level)) return;
        var elapsed = began == 0 ? 0 : Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        LogRequest(logger, level, method, path, status, elapsed);
    }

    private static PathString PathOf(HttpContext context)
    {
        var raw = RawPath.Read(context);
        return raw.SequenceEqual(context.Request.Path.Value) ? context.Request.Path : new PathString(raw.ToString());
    }

    /// <summary>503 is how a server that stops, or whose store is away, answers on purpose.</summary>
    private static LogLevel LevelOf(int status, bool isHealth) => status switch
    {
        StatusCodes.Status503ServiceUnavailable => LogLevel.Warning,
        >= StatusCodes.Status500InternalServerError => LogLevel.Error,
        _ when isHealth => LogLevel.Debug,
        _ => LogLevel.Information,
    };

    [LoggerMessage(Message = "HTTP {Method} {Path} responded {Status} in {Elapsed:0.0000} ms")]
    private static partial void LogRequest(ILogger logger, LogLevel level, string method, string path, int status, double elapsed);
}
