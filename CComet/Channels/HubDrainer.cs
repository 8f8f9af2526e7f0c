using Microsoft.Extensions.Hosting;

namespace CComet.Channels;

/// <summary>
/// The planned stop: readiness is refused first, then, after a moment for balancers to notice, every subscriber is sent away,
/// and only then does the server below stop listening.
/// </summary>
internal sealed class HubDrainer(ChannelHub hub, IHostApplicationLifetime lifetime, TimeProvider time) : IHostedLifecycleService
{
    private readonly Lock _lock = new();
    private Task? _draining;

    /// <summary>Sends every subscriber away, once: later calls await the same. The server goes on to answer what it is asked.</summary>
    public Task DrainAsync()
    {
        lock (_lock) return _draining ??= RunAsync();
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStopping.Register(hub.BeginDrain);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        await DrainAsync().WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        hub.Drain();
    }

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task RunAsync()
    {
        hub.BeginDrain();
        await Task.Delay(hub.Options.Drain.Grace, time);
        hub.Drain();
    }
}
