using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CComet.Channels;

/// <summary>Sweeps the hub every few seconds.</summary>
internal sealed partial class HubSweeper(ChannelHub hub, TimeProvider time, ILogger<HubSweeper> logger) : BackgroundService
{
    /// <summary>How often.</summary>
    public static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(SweepInterval, time);
        var isFailing = false;
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await hub.SweepAsync(stoppingToken);
                isFailing = false;
            }
            catch (StoreUnavailableException e)
            {
                if (!isFailing) LogSweepFailed(logger, e.Message);
                isFailing = true;
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store could not be swept: {Reason} The next sweep tries again")]
    private static partial void LogSweepFailed(ILogger logger, string reason);
}
