using CComet.Channels;
using CComet.Operations;
using CComet.Presence;
using CComet.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CComet.Webhooks;

/// <summary>Runs the webhooks of the settings, and gives each the hint that logs have more, on whichever node it is posted to from.</summary>
/// <remarks>
/// A node that appends tells its own webhooks at once, and the other nodes by notes, many logs in one. Where notes may have been lost, as
/// when a node is gone, the webhooks look at all logs.
/// </remarks>
internal sealed partial class WebhookService : BackgroundService, IAppendListener
{
    /// <summary>For how long the logs of a note are gathered.</summary>
    private static readonly TimeSpan NoteInterval = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    private readonly ChannelHub _hub;
    private readonly NodeLog _notes;
    private readonly ILogger<WebhookService> _logger;
    private readonly List<WebhookRunner> _runners = [];
    private readonly DirtyLogs _untold = new();
    private readonly string? _problem;

    public WebhookService(ChannelHub hub, NodeLog notes, NodeRoster roster, PresenceTracker presence, PresenceLease lease, IWebhookSender? sender, ILogger<WebhookService> logger)
    {
        (_hub, _notes, _logger) = (hub, notes, logger);
        var context = hub.Context;
        if (context.Options.Hooks.Count == 0) return;
        if (sender is null) _problem = "CComet:Hooks: webhooks are posted by the server CComet.Web; this application has nothing that does.";
        else if (context.Store is not (ICursorStore and IListingStore)) _problem = "CComet:Hooks: the store cannot keep how far webhooks have come (ICursorStore, IListingStore).";
        if (_problem is not null) return;
        foreach (var hook in context.Options.Hooks) _runners.Add(new WebhookRunner(hook, context.Store, sender!, notes.Node, context.Metrics.CountWebhook(hook.Name), context.Time, logger));
        roster.Enable();
        notes.Received += Receive;
        notes.Missed += ScanAll;
        roster.Left += _ => ScanAll();
        presence.Changed += Appended;
        lease.Changed += Appended;
        context.Appends = this;
    }

    /// <summary>Those that are told whether channels have subscribers.</summary>
    public static IReadOnlyList<WebhookOptions> OfOccupancy(HubOptions options) => [.. options.Hooks.Where(hook => hook.WantedEvents.Any(wanted => FollowedLog.KindOf(wanted) == FollowedLogKind.Occupancy))];

    /// <inheritdoc/>
    public void Appended(string log)
    {
        foreach (var runner in _runners)
        {
            if (runner.Follows(log) && !runner.TryWake(log)) _untold.Add(log);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="StartException">Webhooks cannot be posted to here.</exception>
    /// <remarks>A new webhook begins before the server answers its first request: nothing that is published then is missed.</remarks>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        if (_problem is not null) throw new StartException(_problem);
        foreach (var runner in _runners)
        {
            try
            {
                await runner.BeginAsync(cancellationToken);
            }
            catch (Exception e) when (e is StoreUnavailableException or LimitException)
            {
                LogNotBegun(_logger, e.Message);
            }
        }

        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        _runners.Count == 0 ? Task.CompletedTask : Task.WhenAll([TellAsync(stoppingToken), .. _runners.Select(runner => Task.Run(() => runner.RunAsync(stoppingToken), CancellationToken.None))]);

    private void ScanAll()
    {
        foreach (var runner in _runners) runner.Scan();
    }

    private void Receive(NodeNote note)
    {
        if (note.Kind != NodeNoteKind.Appended || note.Node == _notes.Node) return;
        foreach (var log in note.Channels ?? [])
        {
            foreach (var runner in _runners)
            {
                if (runner.Follows(log)) runner.TryWake(log);
            }
        }
    }

    /// <summary>Tells the other nodes what was appended here to logs of webhooks that are not posted to from here.</summary>
    private async Task TellAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await _untold.WaitAsync(cancellation);
            await Task.Delay(NoteInterval, _hub.Context.Time, cancellation);
            foreach (var names in TakeUntold().Chunk(NodeNote.MaxNames))
            {
                while (!await _notes.TryWriteAsync(new NodeNote(NodeNoteKind.Appended, names), cancellation)) await Task.Delay(RetryInterval, _hub.Context.Time, cancellation);
            }
        }

        IEnumerable<string> TakeUntold()
        {
            while (_untold.Take() is { } log) yield return log;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A webhook could not begin before the server did: {Reason} Trying again")]
    private static partial void LogNotBegun(ILogger logger, string reason);
}
