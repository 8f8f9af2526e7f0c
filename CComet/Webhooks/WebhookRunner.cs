using CComet.Diagnostics;
using CComet.Storage;
using Microsoft.Extensions.Logging;

namespace CComet.Webhooks;

/// <summary>Posts the events of one webhook, while this node has its lease: reads on from the cursors, posts until the address has taken it, saves the cursors.</summary>
/// <remarks>
/// Posts go one after the other, so that those of a channel keep their order. A cursor is saved behind what was taken alone: what was
/// taken and not saved, because the node ended between the two, is posted again.
/// </remarks>
internal sealed partial class WebhookRunner
{
    /// <summary>How long one try may take.</summary>
    public static readonly TimeSpan SendTimeout = TimeSpan.FromSeconds(10);

    /// <summary>What of the lease has to be left when a try begins.</summary>
    private static readonly TimeSpan NeededLease = SendTimeout + TimeSpan.FromSeconds(2);

    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ScanInterval = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan MinBackoff = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxBackoff = TimeSpan.FromMinutes(1);

    private readonly WebhookOptions _hook;
    private readonly IMessageStore _store;
    private readonly IWebhookSender _sender;
    private readonly WebhookCounts _counts;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly FollowedLogs _follows;
    private readonly WebhookCursors _cursors;
    private readonly WebhookLease _lease;
    private readonly DirtyLogs _dirty = new();
    private long _oldest;
    private volatile bool _isHeld;
    private bool _mustScan;
    private bool _isFailing;

    public WebhookRunner(WebhookOptions hook, IMessageStore store, IWebhookSender sender, string node, WebhookCounts counts, TimeProvider time, ILogger logger)
    {
        (_hook, _store, _sender, _counts, _time, _logger) = (hook, store, sender, counts, time, logger);
        _follows = new FollowedLogs(hook);
        _cursors = new WebhookCursors((ICursorStore)store, hook.Name);
        _lease = new WebhookLease((ICursorStore)store, hook.Name, node, time);
        counts.Lag = () => _isHeld && Volatile.Read(ref _oldest) is > 0 and var oldest ? Math.Max(0, _time.GetUtcNow().ToUnixTimeMilliseconds() - oldest) / 1000.0 : 0;
    }

    /// <summary>Whether this node posts to the webhook.</summary>
    public bool IsHeld => _isHeld;

    /// <summary>Whether the webhook follows a log.</summary>
    public bool Follows(string log) => _follows.Contains(log);

    /// <summary>A log that it follows may have more.</summary>
    /// <returns>False when this node does not post to the webhook: it means nothing here.</returns>
    public bool TryWake(string log)
    {
        if (!_isHeld) return false;
        _dirty.Add(log);
        return true;
    }

    /// <summary>Hints may have been lost.</summary>
    public void Scan()
    {
        Volatile.Write(ref _mustScan, true);
        _dirty.Wake();
    }

    /// <summary>Takes the lease, if no other node has it, and settles from where on the webhook begins when it is new.</summary>
    /// <returns>Whether this node has the lease.</returns>
    /// <exception cref="StoreUnavailableException">The store cannot be used now.</exception>
    public async ValueTask<bool> BeginAsync(CancellationToken cancellation)
    {
        if (_isHeld) return true;
        if (!await _lease.TryTakeAsync(cancellation)) return false;
        await _cursors.LoadAsync(_lease.Generation, cancellation);
        if (!_cursors.HaveBegun)
        {
            // What was published before there was a webhook is none of its business.
            var scan = new WebhookScan(_store, _follows, _cursors.All, isWatched: false);
            while (await scan.ListEndsAsync(cancellation) is { } ends)
            {
                if (!await _cursors.SaveAsync(ends, cancellation) || !await _lease.RenewAsync(cancellation)) return false;
            }

            if (!await _cursors.SaveBeginAsync(cancellation)) return false;
        }

        // From here on hints count: the scan that follows looks at what came before.
        _isHeld = true;
        LogHeld(_logger, _hook.Name, _lease.Generation);
        return true;
    }

    /// <summary>Posts until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                try
                {
                    if (await BeginAsync(cancellation)) await HoldAsync(cancellation);
                    _isFailing = false;
                }
                catch (Exception e) when (e is StoreUnavailableException or LimitException)
                {
                    if (!_isFailing) LogStore(_logger, _hook.Name, e.Message);
                    _isFailing = true;
                }

                _isHeld = false;
                await Task.Delay(LookInterval, _time, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            _isHeld = false;
            await _lease.ReleaseAsync();
        }
    }

    /// <summary>Posts for as long as the lease lasts.</summary>
    private async Task HoldAsync(CancellationToken cancellation)
    {
        var reader = new WebhookReader(_store, _hook, _cursors.All, _dirty);
        var scan = new WebhookScan(_store, _follows, _cursors.All, isWatched: false);
        var scannedAt = _time.GetTimestamp();
        while (await _lease.RenewAsync(cancellation))
        {
            if (scan.IsDone)
            {
                // Where hints may be missing, a log that is gone may have had something new.
                var missesHints = Interlocked.Exchange(ref _mustScan, false);
                if (missesHints || _time.GetElapsedTime(scannedAt) >= ScanInterval)
                    (scan, scannedAt) = (new WebhookScan(_store, _follows, _cursors.All, isWatched: !missesHints), _time.GetTimestamp());
            }

            using var batch = new WebhookBatch();
            if (!scan.IsDone) await scan.StepAsync(_dirty, batch, cancellation);
            await reader.ReadAsync(batch, cancellation);
            if (batch.Count > 0)
            {
                Volatile.Write(ref _oldest, batch.OldestTime ?? 0);
                if (!await PostAsync(batch, cancellation)) break;
            }

            if (!await SaveAsync(batch.Cursors, cancellation)) break;
            _isFailing = false;
            if (batch.Count == 0 && batch.Cursors.Count == 0 && scan.IsDone)
            {
                Volatile.Write(ref _oldest, 0);
                await _dirty.WaitAsync(WebhookLease.RenewInterval, _time, cancellation);
            }
        }

        LogLost(_logger, _hook.Name);
    }

    /// <summary>Posts until the address has taken it.</summary>
    /// <returns>False when the lease is lost.</returns>
    private async Task<bool> PostAsync(WebhookBatch batch, CancellationToken cancellation)
    {
        var (id, body) = batch.Encode(_hook.Name, _lease.Generation);
        var generation = _lease.Generation;
        var post = new WebhookPost(id, body, () => _lease.Generation == generation && _lease.Left >= SendTimeout);
        var failures = 0;
        while (await _lease.RenewAsync(cancellation))
        {
            if (_lease.Left < NeededLease) continue;
            var answer = await _sender.SendAsync(_hook, post, cancellation);
            if (answer.Problem is null)
            {
                if (failures > 0) LogTaken(_logger, _hook.Name, failures + 1);
                _counts.Posted(batch.Count);
                return true;
            }

            _counts.Failed();
            var pause = BackoffOf(failures, answer.RetryAfter);
            LogNotTaken(_logger, failures == 0 ? LogLevel.Warning : LogLevel.Debug, _hook.Name, answer.Problem, pause.TotalSeconds);
            failures++;
            if (!await PauseAsync(pause, cancellation)) return false;
        }

        return false;
    }

    /// <summary>Waits, and keeps the lease meanwhile.</summary>
    private async ValueTask<bool> PauseAsync(TimeSpan pause, CancellationToken cancellation)
    {
        var began = _time.GetTimestamp();
        while (_time.GetElapsedTime(began) is var waited && waited < pause)
        {
            var left = pause - waited;
            await Task.Delay(left < WebhookLease.RenewInterval ? left : WebhookLease.RenewInterval, _time, cancellation);
            if (!await _lease.RenewAsync(cancellation)) return false;
        }

        return true;
    }

    /// <summary>Saves cursors, however long the store cannot be written to: what was taken would be posted again.</summary>
    /// <returns>False when another node has had the lease meanwhile.</returns>
    private async Task<bool> SaveAsync(IReadOnlyCollection<LogCursor> cursors, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                return await _cursors.SaveAsync(cursors, cancellation);
            }
            catch (StoreUnavailableException e)
            {
                if (!_isFailing) LogStore(_logger, _hook.Name, e.Message);
                _isFailing = true;
                await Task.Delay(LookInterval, _time, cancellation);
            }
        }
    }

    /// <summary>Twice as long after each failure, and up to half of it at random: webhooks that failed together do not come back together.</summary>
    private static TimeSpan BackoffOf(int failures, TimeSpan? wish)
    {
        var most = Math.Min(MaxBackoff.TotalSeconds, MinBackoff.TotalSeconds * Math.Pow(2, Math.Min(failures, 10)));
        var pause = TimeSpan.FromSeconds(most * (0.5 + (Random.Shared.NextDouble() / 2)));
        return wish > pause ? (wish < MaxBackoff ? wish.Value : MaxBackoff) : pause;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "This node posts to the webhook {Hook} (generation {Generation})")]
    private static partial void LogHeld(ILogger logger, string hook, long generation);

    [LoggerMessage(Level = LogLevel.Warning, Message = "This node posts no more to the webhook {Hook}: its lease ran out, or another node has it")]
    private static partial void LogLost(ILogger logger, string hook);

    [LoggerMessage(Message = "The webhook {Hook} did not take events: {Problem}. Trying again in {Pause:0.0} s")]
    private static partial void LogNotTaken(ILogger logger, LogLevel level, string hook, string problem, double pause);

    [LoggerMessage(Level = LogLevel.Information, Message = "The webhook {Hook} takes events again, at try {Tries}")]
    private static partial void LogTaken(ILogger logger, string hook, int tries);

    [LoggerMessage(Level = LogLevel.Warning, Message = "How far the webhook {Hook} has come cannot be read or kept: {Reason} Trying again")]
    private static partial void LogStore(ILogger logger, string hook, string reason);
}
