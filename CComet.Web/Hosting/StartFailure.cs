using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using Serilog.Events;

namespace CComet.Web.Hosting;

/// <summary>
/// Ends a start that fails with one line on standard error and exit code 1. What the line leaves out, the stack, is in the log at
/// level Debug.
/// </summary>
internal static partial class StartFailure
{
    public const int ExitCode = 1;

    private const int TooManyOpenFiles = 24;

    /// <summary>The categories that log a failed start with its stack, and what they say of it.</summary>
    private static readonly (string Category, string Message)[] ToldTwice =
    [
        ("Microsoft.Extensions.Hosting.Internal.Host", "Hosting failed to start"),
        ("Microsoft.AspNetCore.Server.Kestrel", "Unable to start Kestrel."),
    ];

    /// <summary>Whether a failure is ours to tell: in a test's process it is the test's, and tools end the program by an exception of their own.</summary>
    public static bool IsOurs(Exception exception) => ServerBuilder.IsOwnProcess && exception is not HostAbortedException;

    /// <summary>Whether an event of the log is what <see cref="TellAsync"/> says too.</summary>
    public static bool IsToldTwice(LogEvent entry) =>
        entry.Exception is not null && entry.Properties.TryGetValue("SourceContext", out var source) && source is ScalarValue { Value: string category }
        && ToldTwice.Contains((category, entry.MessageTemplate.Text));

    /// <summary>Tells the failure, ends what had been started, and returns the exit code.</summary>
    public static async Task<int> TellAsync(Exception exception, WebApplication? app)
    {
        // Told to stop before it had started.
        var isStopping = app?.Lifetime.ApplicationStopping.IsCancellationRequested == true;
        if (isStopping && exception is OperationCanceledException) return 0;

        await BoundedConsole.WriteErrorAsync($"CComet {(isStopping ? "did not stop well" : "cannot start")}: {Describe(exception)}");
        if (app is null) return ExitCode;
        try
        {
            LogDetails(app.Logger, exception);

            // Services that run already end now; that is none of their failures.
            app.Lifetime.StopApplication();
            await app.DisposeAsync();
        }
        catch (Exception e)
        {
            // The first failure has been told, and most likely is the reason of this one.
            await BoundedConsole.WriteErrorAsync($"CComet did not stop well: {Describe(e)}");
        }

        return ExitCode;
    }

    /// <summary>Says in one line what has failed, and, where it is known, what to do.</summary>
    public static string Describe(Exception exception)
    {
        var chain = Chain(exception).ToArray();
        if (chain.Select(e => Known(e, exception)).FirstOrDefault(text => text is not null) is { } known) return OneLine(known);

        // What is thrown first often says only where, and what is innermost only why.
        var messages = chain.Select(e => OneLine(e.Message).TrimEnd('.')).Where(m => m.Length > 0).ToArray();
        var distinct = messages.Where((m, i) => !messages.Take(i).Any(earlier => earlier.Contains(m, StringComparison.Ordinal)));
        return $"{string.Join(": ", distinct)} ({chain[^1].GetType().Name}).";
    }

    /// <summary>Puts a text of several lines on one.</summary>
    public static string OneLine(string text) => Space().Replace(text, " ").Trim();

    private static string? Known(Exception exception, Exception outermost) => exception switch
    {
        StartException or OptionsValidationException => exception.Message,
        AddressInUseException =>
            $"{Address().Match(outermost.Message) switch { { Success: true } m => m.Groups[1].Value, _ => "an address to listen on" }} is in use by another program: stop that one, or choose another address, such as --urls=http://127.0.0.1:5001.",
        SocketException { SocketErrorCode: SocketError.TooManyOpenSockets } or IOException { HResult: TooManyOpenFiles } =>
            "the process may open no more files; raise its limit (ulimit -n, LimitNOFILE=, ulimits: nofile).",
        InvalidOperationException e when e.Message.StartsWith("Unable to configure HTTPS endpoint", StringComparison.Ordinal) =>
            "https needs a certificate: --Kestrel:Certificates:Default:Path=FILE --Kestrel:Certificates:Default:Password=TEXT. Behind a proxy that ends TLS, listen on http://.",
        CryptographicException e => $"a certificate cannot be used: {e.Message} See Path, KeyPath and Password in Kestrel:Certificates and in Kestrel:Endpoints.",
        _ => null,
    };

    private static IEnumerable<Exception> Chain(Exception exception)
    {
        yield return exception;
        IEnumerable<Exception> reasons = exception is AggregateException all ? all.InnerExceptions : exception.InnerException is { } one ? [one] : [];
        foreach (var reason in reasons.SelectMany(Chain)) yield return reason;
    }

    [GeneratedRegex(@"[\s\p{Cc}]+")]
    private static partial Regex Space();

    [GeneratedRegex(@"^Failed to bind to address (.+): address already in use\.$")]
    private static partial Regex Address();

    [LoggerMessage(Level = LogLevel.Debug, Message = "Why the server ends")]
    private static partial void LogDetails(Microsoft.Extensions.Logging.ILogger logger, Exception exception);
}
