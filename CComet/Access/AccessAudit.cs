using System.Net;
using Microsoft.Extensions.Logging;

namespace CComet.Access;

/// <summary>Writes who was refused, what was revoked and what an operator did, to a log category of its own. It has no token and no message text.</summary>
/// <remarks>Refusals have a status, by which the server's log bounds them as it does the lines of failed requests; what an operator does is always written.</remarks>
internal sealed partial class AccessAudit(ILoggerFactory loggers)
{
    /// <summary>The category.</summary>
    public const string Category = "CComet.Audit";

    /// <summary>What a caller is called that has no name.</summary>
    private const string Anonymous = "anonymous";

    private const int Unauthorized = 401;
    private const int Forbidden = 403;

    private readonly ILogger _logger = loggers.CreateLogger(Category);

    /// <summary>A right was missing.</summary>
    public void Denied(in CallerContext caller, ChannelRight right, string channel, string reason)
    {
        if (!_logger.IsEnabled(LogLevel.Information)) return;
        var status = caller.Grant?.IsAnonymous == true ? Unauthorized : Forbidden;
        var user = caller.Grant?.User ?? caller.User?.Identity?.Name ?? Anonymous;
        LogDenied(_logger, status, user, caller.Address, right, channel, reason);
    }

    /// <summary>A credential did not hold.</summary>
    public void Refused(IPAddress? address, string carrier, string reason)
    {
        if (_logger.IsEnabled(LogLevel.Information)) LogRefused(_logger, Unauthorized, address, carrier, reason);
    }

    /// <summary>An operator did something.</summary>
    public void Done(string? user, IPAddress? address, string action, string? subject) => LogDone(_logger, user ?? Anonymous, address, action, subject);

    [LoggerMessage(Level = LogLevel.Information, Message = "Denied ({Status}) {User} at {Address}: {Verb} {Channel}: {Reason}")]
    private static partial void LogDenied(ILogger logger, int status, string user, IPAddress? address, ChannelRight verb, string channel, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Refused ({Status}) a credential of {Address}, by {Carrier}: {Reason}")]
    private static partial void LogRefused(ILogger logger, int status, IPAddress? address, string carrier, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Admin {User} at {Address}: {Action} {Subject}")]
    private static partial void LogDone(ILogger logger, string user, IPAddress? address, string action, string? subject);
}
