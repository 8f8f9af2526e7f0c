using CComet.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace CComet.Kestrel;

/// <summary>
/// Bounds the connections that are open at a time, over all addresses on which the server listens, so that descriptors are left for
/// the store and for all else that needs one. A connection over the bound is not accepted: it waits in the kernel's backlog.
/// </summary>
internal sealed partial class ConnectionGate : IDisposable
{
    /// <summary>
    /// Descriptors that connections leave free, beside those in use at the start: the store's files and connections, threads that are
    /// started and assemblies that are loaded later (two descriptors each), a file that is being sent, a lookup of a name. Of a limit
    /// that has not twice as many to give, half of what there is.
    /// </summary>
    /// <remarks>The runtime makes a pipe for each thread that it starts, and without one ends the process ("Out of memory.").</remarks>
    public const int Reserve = 128;

    private const string OpenFilesBound = "the limit of open files";
    private const string ConnectionsBound = "CComet:Limits:Connections";

    private readonly SemaphoreSlim _places;
    private readonly int _resumeAt;
    private readonly string _bound;
    private readonly ILogger _logger;
    private readonly HubMetrics? _metrics;
    private int _paused;

    /// <summary>Makes the gate of this process, before the spare descriptors are taken.</summary>
    /// <remarks>Of few descriptors connections get half, so the spares count twice.</remarks>
    public ConnectionGate(IOptions<HubOptions> options, ILogger<ConnectionGate> logger, HubMetrics metrics)
        : this(options.Value.Limits, OpenFiles.Limit(), OpenFiles.InUse() + (2 * SpareDescriptors.Count), logger, metrics)
    {
    }

    /// <summary>Makes a gate.</summary>
    /// <param name="limits">Its bound, and what is promised to subscribers.</param>
    /// <param name="openFiles">How many descriptors the process may have open; null for no limit.</param>
    /// <param name="inUse">How many it has open.</param>
    /// <param name="logger">Where a pause is told.</param>
    /// <param name="metrics">Where it is counted; null for nowhere.</param>
    internal ConnectionGate(LimitOptions limits, int? openFiles, int inUse, ILogger logger, HubMetrics? metrics = null)
    {
        var room = openFiles is { } limit ? RoomFor(limit, inUse) : int.MaxValue;
        Max = Math.Min(limits.Connections, room);
        _bound = room < limits.Connections ? OpenFilesBound : ConnectionsBound;
        _logger = logger;
        _metrics = metrics;
        _places = new SemaphoreSlim(Max);

        // A sixteenth must be free before a pause counts as over, so that one client that comes and goes does not fill the log.
        _resumeAt = Math.Max(1, Max / 16);
        if (Max < limits.Subscribers) LogTooFew(logger, Max, _bound, openFiles ?? 0, limits.Subscribers);
    }

    /// <summary>How many connections may be open at a time.</summary>
    public int Max { get; }

    /// <summary>How many more may be.</summary>
    public int Free => _places.CurrentCount;

    /// <summary>Takes a place for one connection; waits while there is none. A place is taken before the connection comes.</summary>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public Task EnterAsync(CancellationToken cancellation)
    {
        var entered = _places.WaitAsync(cancellation);
        if (entered.IsCompleted || Interlocked.Exchange(ref _paused, 1) != 0) return entered;
        _metrics?.RefusedConnection(ConnectionRefusal.Connections);
        LogPaused(_logger, Max, _bound);
        return entered;
    }

    /// <summary>Counts that connections cannot be accepted for now.</summary>
    public void NoteFailure() => _metrics?.RefusedConnection(ConnectionRefusal.Accept);

    /// <summary>Takes a place if there is one.</summary>
    public bool TryEnter() => _places.Wait(0);

    /// <summary>Gives a place back: its connection is closed, or did not come.</summary>
    public void Leave()
    {
        _places.Release();
        if (Volatile.Read(ref _paused) != 0 && _places.CurrentCount >= _resumeAt && Interlocked.Exchange(ref _paused, 0) != 0) LogResumed(_logger);
    }

    /// <inheritdoc/>
    public void Dispose() => _places.Dispose();

    private static int RoomFor(int limit, int inUse)
    {
        var free = Math.Max(2, limit - inUse);
        return free - Math.Min(Reserve, free / 2);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "At most {Max} connections can be open, by {Bound} (open files: {OpenFiles}), but CComet:Limits:Subscribers promises {Subscribers}")]
    private static partial void LogTooFew(ILogger logger, int max, string bound, int openFiles, int subscribers);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Accepting pauses: {Max} connections are open, which is the most by {Bound}. New ones wait until others are closed")]
    private static partial void LogPaused(ILogger logger, int max, string bound);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Accepting goes on: connections have been closed")]
    private static partial void LogResumed(ILogger logger);
}
