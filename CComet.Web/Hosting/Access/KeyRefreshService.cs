namespace CComet.Web.Hosting.Access;

/// <summary>Brings new keys without a restart: of settings whose file has changed, and of issuers.</summary>
internal sealed partial class KeyRefreshService(JwtVerifier verifier, SettingsFiles files, TimeProvider time, ILogger<KeyRefreshService> logger) : BackgroundService
{
    /// <summary>How often it looks.</summary>
    public static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(3);

    private bool _isBroken;

    /// <summary>Reads the settings again when one of their files has changed. A file that is broken leaves everything as it is.</summary>
    public void LookAtFiles()
    {
        try
        {
            // A file that is half written may be complete without a change of what is seen of it.
            if (!files.HaveChanged() && !_isBroken) return;
            if (verifier.Reload(files.Read())) LogReloaded(logger);
            _isBroken = false;
        }
        catch (Exception e)
        {
            if (!_isBroken) LogBroken(logger, StartFailure.Describe(e));
            _isBroken = true;
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(LookInterval, time);
        do
        {
            LookAtFiles();
            await verifier.RefreshAsync().WaitAsync(stoppingToken);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Has read Authentication:Schemes again")]
    private static partial void LogReloaded(ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Cannot read Authentication:Schemes again; the keys that are known go on: {Reason}")]
    private static partial void LogBroken(ILogger logger, string reason);
}
