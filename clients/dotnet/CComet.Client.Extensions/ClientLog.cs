using Microsoft.Extensions.Logging;

namespace CComet.Client;

/// <summary>What is written to the log.</summary>
internal static partial class ClientLog
{
    [LoggerMessage(1, LogLevel.Warning, "CComet is tried again in {Delay}: {Reason}")]
    public static partial void Retrying(ILogger logger, TimeSpan delay, string reason, Exception exception);
}
