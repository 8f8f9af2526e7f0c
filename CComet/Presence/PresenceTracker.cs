using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using CComet.Access;
using CComet.Channels;
using CComet.Diagnostics;
using CComet.Messages;
using CComet.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace CComet.Presence;

/// <summary>Knows which users have connections to channels on this node, and tells the store which of them it holds there, as members of a log.</summary>
/// <remarks>
/// <para>
/// A member is held from its first connection on, until <see cref="PresenceOptions.LeaveAfter"/> after its last one. What is wanted is set at
/// once, under one lock; what the store holds follows, in batches for each log, and is tried again where the store fails. A log has
/// one batch under way at a time, so that its changes keep their order. Subscribers of channels without presence cost nothing here.
/// </para>
/// <para>
/// <see cref="PresenceLease"/> gives the name by which the node holds. When it changes, everything is held anew by the new name.
/// </para>
/// </remarks>
internal sealed partial class PresenceTracker : BackgroundService, IPresenceListener
{
    private const int MaxBatch = 500;
    private const int MaxParallel = 16;

    private static readonly TimeSpan TickInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RefusedInterval = TimeSpan.FromSeconds(5);

    private readonly IPresenceStore? _store;
    private readonly PresenceLease _lease;
    private readonly PresenceOptions _options;
    private readonly ChannelPatterns _patterns;
    private readonly TimeProvider _time;
    private readonly ILogger<PresenceTracker> _logger;
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private bool _isFailing;

    // All below is guarded by the lock.
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Log, string Name), LocalMember> _members = [];
    private readonly LinkedList<(LocalMember Member, long Since)> _vacant = [];
    private readonly Dictionary<string, Queue<LocalMember>> _changed = new(StringComparer.Ordinal);
    private readonly List<LocalMember> _refused = [];
    private int _users;

    public PresenceTracker(IMessageStore store, PresenceLease lease, IOptions<HubOptions> options, HubMetrics metrics, TimeProvider time, ILogger<PresenceTracker> logger)
    {
        _store = store as IPresenceStore;
        _lease = lease;
        _options = options.Value.Presence;
        _patterns = new ChannelPatterns(_options.Channels.Select(pattern => (pattern, pattern)));
        _time = time;
        _logger = logger;
        lease.Renamed += HoldAgain;
        metrics.CountMembers(() => Count);
    }

    /// <summary>Is told of logs whose members were changed.</summary>
    public event Action<string>? Changed;

    /// <summary>Whether any channel has presence.</summary>
    [MemberNotNullWhen(true, nameof(_store))]
    public bool IsOn => _options.Channels.Count > 0 && _store is not null;

    /// <summary>Whether something else than users is tracked. Set before the host starts.</summary>
    public bool TracksMore { get; set; }

    private bool IsNeeded => _options.Channels.Count > 0 || TracksMore;

    /// <summary>How many users this node has, or had a moment ago, in all its channels.</summary>
    public int Count => Volatile.Read(ref _users);

    /// <inheritdoc/>
    public bool Covers(string channel) => IsOn && !Names.IsOfServer(channel) && Names.FindProblem(Names.PresencePrefix + channel) is null && _patterns.Find(channel, null) is not null;

    /// <inheritdoc/>
    public void Entered(string channel, string user, Grant? grant) => Enter(Names.PresencePrefix + channel, user, grant?.Info ?? default);

    /// <inheritdoc/>
    public void Left(string channel, string user) => Leave(Names.PresencePrefix + channel, user);

    /// <summary>A member of a log has got a connection.</summary>
    /// <param name="log">The log.</param>
    /// <param name="name">The member's name.</param>
    /// <param name="info">What is told of it: one JSON value in UTF-8, or nothing.</param>
    public void Enter(string log, string name, ReadOnlyMemory<byte> info = default)
    {
        lock (_lock)
        {
            if (!_members.TryGetValue((log, name), out var member))
            {
                _members[(log, name)] = member = new LocalMember(log, name) { Info = info };
                if (member.IsUser) _users++;
            }

            member.Connections++;
            if (member.Vacant is { } vacant) _vacant.Remove(vacant);
            member.Vacant = null;
            if (member.IsWanted) return;
            member.IsWanted = true;
            Queue(member);
        }

        _wake.Writer.TryWrite(true);
    }

    /// <summary>A member of a log has lost a connection.</summary>
    public void Leave(string log, string name)
    {
        lock (_lock)
        {
            var member = _members[(log, name)];
            if (--member.Connections == 0) member.Vacant = _vacant.AddLast((member, _time.GetTimestamp()));
        }
    }

    /// <inheritdoc/>
    /// <exception cref="StartException">The store cannot keep who is in channels.</exception>
    public override Task StartAsync(CancellationToken cancellationToken) => _store is null && IsNeeded
        ? throw new StartException("CComet:Presence:Channels and Occupied or Vacated in CComet:Hooks: the store cannot keep who is in channels (IPresenceStore).")
        : base.StartAsync(cancellationToken);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_store is null || !IsNeeded) return;
        using var timer = new PeriodicTimer(TickInterval, _time);
        await Task.WhenAll(TickAsync(timer, stoppingToken), FlushAllAsync(stoppingToken), _lease.KeepAsync(_store, stoppingToken));
    }

    private async Task TickAsync(PeriodicTimer timer, CancellationToken cancellation)
    {
        var refusedAt = _time.GetTimestamp();
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            lock (_lock)
            {
                while (_vacant.First is { } first && _time.GetElapsedTime(first.Value.Since) >= _options.LeaveAfter)
                {
                    var member = first.Value.Member;
                    _vacant.Remove(first);
                    member.Vacant = null;
                    member.IsWanted = false;
                    Queue(member);
                }

                if (_time.GetElapsedTime(refusedAt) >= RefusedInterval)
                {
                    refusedAt = _time.GetTimestamp();
                    foreach (var member in _refused) Queue(member);
                    _refused.Clear();
                }
            }

            // Also for what failed before.
            _wake.Writer.TryWrite(true);
        }
    }

    private async Task FlushAllAsync(CancellationToken cancellation)
    {
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = MaxParallel, CancellationToken = cancellation };
        while (await _wake.Reader.WaitToReadAsync(cancellation))
        {
            _wake.Reader.TryRead(out _);
            List<string> logs;
            lock (_lock) logs = [.. _changed.Keys];
            if (logs.Count > 0) await Parallel.ForEachAsync(logs, parallel, FlushAsync);
        }
    }

    /// <summary>Tells the store what has changed in a log, batch after batch.</summary>
    private async ValueTask FlushAsync(string log, CancellationToken cancellation)
    {
        while (_lease.Holder is { } holder)
        {
            var batch = Take(log);
            if (batch.Count == 0) return;
            var changes = new MemberChange[batch.Count];
            for (var i = 0; i < changes.Length; i++) changes[i] = new MemberChange(batch[i].Member.Name, batch[i].IsWanted, batch[i].Member.Info);
            try
            {
                var refused = await _store!.ChangeMembersAsync(log, holder, changes, _options.MaxUsers, cancellation);
                Finish(batch, refused, holder);
                _isFailing = false;
                Changed?.Invoke(log);
            }
            catch (Exception e) when (e is StoreUnavailableException or LimitException)
            {
                if (!_isFailing) LogFailed(_logger, e.Message);
                _isFailing = true;
                lock (_lock) foreach (var (member, _) in batch) Queue(member);
                return;
            }
        }
    }

    private List<(LocalMember Member, bool IsWanted)> Take(string log)
    {
        var batch = new List<(LocalMember, bool)>();
        lock (_lock)
        {
            if (!_changed.TryGetValue(log, out var queue)) return batch;
            while (batch.Count < MaxBatch && queue.TryDequeue(out var member))
            {
                member.IsQueued = false;
                if (member.IsWanted != member.IsHeld) batch.Add((member, member.IsWanted));
                else Forget(member);
            }

            if (queue.Count == 0) _changed.Remove(log);
        }

        return batch;
    }

    private void Finish(List<(LocalMember Member, bool IsWanted)> batch, IReadOnlyList<int> refused, string holder)
    {
        lock (_lock)
        {
            // By another name it is to be held anew.
            var isOwn = holder == _lease.Holder;
            for (var i = 0; i < batch.Count; i++)
            {
                var (member, wasWanted) = batch[i];
                if (refused.Contains(i))
                {
                    _refused.Add(member);
                    if (!member.IsRefused) LogFull(_logger, Names.FindPresenceOf(member.Log) ?? member.Log, _options.MaxUsers);
                    member.IsRefused = true;
                    continue;
                }

                member.IsRefused = false;
                if (isOwn) member.IsHeld = wasWanted;
                if (member.IsWanted != member.IsHeld) Queue(member);
                else Forget(member);
            }
        }
    }

    /// <summary>The node has another name, by which nothing is held.</summary>
    private void HoldAgain()
    {
        lock (_lock)
        {
            foreach (var member in _members.Values.ToList())
            {
                member.IsHeld = false;
                Queue(member);
            }
        }

        _wake.Writer.TryWrite(true);
    }

    private void Queue(LocalMember member)
    {
        if (member.IsQueued) return;
        member.IsQueued = true;
        if (!_changed.TryGetValue(member.Log, out var queue)) _changed[member.Log] = queue = new Queue<LocalMember>();
        queue.Enqueue(member);
    }

    private void Forget(LocalMember member)
    {
        if (!member.IsWanted && !member.IsHeld && member.Connections == 0 && _members.Remove((member.Log, member.Name)) && member.IsUser) _users--;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Who is in channels cannot be told to the store: {Reason} Trying again")]
    private static partial void LogFailed(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Channel '{Channel}' has its {MaxUsers} users (CComet:Presence:MaxUsers); others are not counted until one leaves")]
    private static partial void LogFull(ILogger logger, string channel, int maxUsers);
}
