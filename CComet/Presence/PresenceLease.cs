using CComet.Messages;
using CComet.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace CComet.Presence;

/// <summary>Keeps the lease by whose name this node holds users in the store, and lets go of what nodes held whose leases have run out.</summary>
/// <remarks>
/// A node that has been away for too long, or whose store may have lost something, takes another name: what others do on behalf of the old one
/// does not concern it. The lease of a node that has been seen to run out is waited for a little more, as after a failure of the store all
/// nodes come back within that time.
/// </remarks>
internal sealed partial class PresenceLease(IOptions<HubOptions> options, TimeProvider time, ILogger<PresenceLease> logger)
{
    private const int MaxBatch = 500;

    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RenewInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly Dictionary<string, long> _lapsed = new(StringComparer.Ordinal);
    private readonly List<string> _oldNames = [];
    private string _name = Epoch.New();
    private volatile string? _holder;
    private long _renewedAt;
    private bool _isFailing;

    /// <summary>The name by which this node holds; null while it has no lease.</summary>
    public string? Holder => _holder;

    /// <summary>Is told that the name has changed.</summary>
    public event Action? Renamed;

    /// <summary>Is told of logs whose members were let go of on behalf of others.</summary>
    public event Action<string>? Changed;

    /// <summary>Takes the lease out, renews it, and looks after those of others, until it is cancelled.</summary>
    public async Task KeepAsync(IPresenceStore store, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(LookInterval, time);
        try
        {
            do await StepAsync(store, cancellation);
            while (await timer.WaitForNextTickAsync(cancellation));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            await EndAsync(store);
        }
    }

    private async Task StepAsync(IPresenceStore store, CancellationToken cancellation)
    {
        try
        {
            await RenewIfDueAsync(store, cancellation);
            await LookAfterOthersAsync(store, cancellation);
            _isFailing = false;
        }
        catch (Exception e) when (e is StoreUnavailableException or LimitException)
        {
            // What was seen before the failure says nothing about after it.
            _lapsed.Clear();
            if (!_isFailing) LogFailed(logger, e.Message);
            _isFailing = true;
        }
    }

    private async ValueTask RenewIfDueAsync(IPresenceStore store, CancellationToken cancellation)
    {
        if (_holder is null || _oldNames.Count > 0 || time.GetElapsedTime(_renewedAt) >= RenewInterval) await RenewAsync(store, cancellation);
    }

    private async Task RenewAsync(IPresenceStore store, CancellationToken cancellation)
    {
        if (await store.RenewLeaseAsync(_name, Life, isNew: _holder is null, cancellation))
        {
            var isFirst = _holder is null;
            (_holder, _renewedAt) = (_name, time.GetTimestamp());
            if (isFirst) Renamed?.Invoke();
        }
        else
        {
            // A change by the old name may still be under way: others are to look at it again.
            LogRenamed(logger);
            _oldNames.Add(_name);
            _name = Epoch.New();
            _holder = null;
            await RenewAsync(store, cancellation);
        }

        while (_oldNames is [.., var old])
        {
            await store.RenewLeaseAsync(old, TimeSpan.Zero, isNew: true, cancellation);
            _oldNames.Remove(old);
        }
    }

    private async Task LookAfterOthersAsync(IPresenceStore store, CancellationToken cancellation)
    {
        var now = time.GetTimestamp();
        var lapsed = await store.ReadLapsedAsync(cancellation);
        foreach (var known in _lapsed.Keys.Except(lapsed).ToList()) _lapsed.Remove(known);
        foreach (var holder in lapsed)
        {
            _lapsed.TryAdd(holder, now);
            if (holder != _name && time.GetElapsedTime(_lapsed[holder]) >= Patience) await LetGoAsync(store, holder, cancellation);
        }
    }

    private async Task LetGoAsync(IPresenceStore store, string holder, CancellationToken cancellation)
    {
        var count = 0;
        while (await store.ReadHeldAsync(holder, MaxBatch, cancellation) is { Count: > 0 } held)
        {
            foreach (var log in held.GroupBy(one => one.Log, StringComparer.Ordinal))
            {
                await store.ChangeMembersAsync(log.Key, holder, [.. log.Select(one => new MemberChange(one.Member, IsHeld: false))], int.MaxValue, cancellation);
                Changed?.Invoke(log.Key);
            }

            count += held.Count;

            // They may be many.
            await RenewIfDueAsync(store, cancellation);
        }

        await store.ForgetHolderAsync(holder, cancellation);
        _lapsed.Remove(holder);
        LogLetGo(logger, holder, count);
    }

    /// <summary>Leaves the users to those that they go to: their places are given up by the time at which they would have left.</summary>
    private async Task EndAsync(IPresenceStore store)
    {
        if (_holder is null) return;
        try
        {
            await store.RenewLeaseAsync(_holder, options.Value.Presence.LeaveAfter, isNew: false, CancellationToken.None);
        }
        catch (Exception e) when (e is StoreUnavailableException or LimitException)
        {
            // The lease runs out all the same.
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The lease of this node in the store cannot be renewed: {Reason} Trying again")]
    private static partial void LogFailed(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The lease of this node has run out, or the store may have lost what was held by it: the node takes another name")]
    private static partial void LogRenamed(ILogger logger);

    [LoggerMessage(Level = LogLevel.Information, Message = "Node {Holder} is gone: {Count} users that it held in channels were let go of")]
    private static partial void LogLetGo(ILogger logger, string holder, int count);
}
