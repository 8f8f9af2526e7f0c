using Microsoft.AspNetCore.DataProtection.KeyManagement.Internal;

namespace CComet.Web.Hosting.Access;

/// <summary>
/// Holds the keys of Data Protection as they were last read from the store. They are read when something is sealed or opened for the
/// first time, so that a start needs no store; then every five minutes in the background, and when a key is asked for that is not among them.
/// </summary>
/// <remarks>
/// Replaces the framework's own provider, which reads once a day, and looks for an unknown key only in the first two minutes. Two nodes
/// that start at once on an empty store make a key each; one of them would refuse for a day what the other has sealed. Anybody can name
/// an unknown key: it costs at most one reading per five seconds. For a store that hangs the callers wait once, for <see cref="MaxWait"/> at
/// most: after a reading that has failed the next ones are made in the background, as the threads of the sockets may be among the callers.
/// </remarks>
internal sealed partial class KeyRing(Func<IKeyRing> read, TimeProvider time, ILogger<KeyRing> logger) : IKeyRingProvider
{
    /// <summary>How old the keys may be before they are read again.</summary>
    public static readonly TimeSpan RefreshInterval = TimeSpan.FromMinutes(5);

    /// <summary>How often unknown keys may cause a reading.</summary>
    public static readonly TimeSpan UnknownKeyInterval = TimeSpan.FromSeconds(5);

    /// <summary>For how long a reading that has failed is not tried again.</summary>
    public static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    /// <summary>How long a caller waits for a reading.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private volatile Keys? _keys;
    private volatile Failure? _failure;
    private Task _reading = Task.CompletedTask;
    private long _begunAt;
    private long? _unknownAt;

    /// <summary>Returns the keys; reads them when that was never done.</summary>
    /// <exception cref="StoreUnavailableException">They were never read, and cannot be now.</exception>
    public IKeyRing GetCurrentKeyRing()
    {
        if (_keys is { } keys)
        {
            if (time.GetElapsedTime(keys.ReadAt) > RefreshInterval) Read();
            return keys.Ring;
        }

        ReadAndWait();
        return _keys?.Ring ?? throw Unavailable();
    }

    /// <summary>Reads the keys again when one is not among them, unless an unknown one has caused that just now.</summary>
    /// <exception cref="StoreUnavailableException">It is not known, and the keys cannot be read now: whether there is such a key is open.</exception>
    public void LookFor(Guid key)
    {
        if (Knows(key)) return;
        if (MayLook()) ReadAndWait();
        if (_failure is not null && !Knows(key)) throw Unavailable();
    }

    private bool Knows(Guid key) => GetCurrentKeyRing().GetAuthenticatedEncryptorByKeyId(key, out _) is not null;

    private bool MayLook()
    {
        lock (_lock)
        {
            // It may be among those that are being read for another one.
            if (_reading.IsCompleted && _unknownAt is { } last && time.GetElapsedTime(last) <= UnknownKeyInterval) return false;
            _unknownAt = time.GetTimestamp();
            return true;
        }
    }

    private StoreUnavailableException Unavailable() => new("The keys that seal tickets cannot be read from the store now.", _failure?.Cause);

    private void ReadAndWait()
    {
        var isFailing = _failure is not null;
        var reading = Read();
        var left = MaxWait - time.GetElapsedTime(Volatile.Read(ref _begunAt));
        if (!isFailing && left > TimeSpan.Zero) reading.Wait(left);
    }

    /// <summary>Begins a reading, unless one runs or has just failed.</summary>
    private Task Read()
    {
        lock (_lock)
        {
            if (!_reading.IsCompleted || (_failure is { } failure && time.GetElapsedTime(failure.At) < RetryInterval)) return _reading;
            _begunAt = time.GetTimestamp();

            // A thread of its own, as it blocks: the pool may have none that is free.
            return _reading = Task.Factory.StartNew(ReadNow, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
    }

    private void ReadNow()
    {
        try
        {
            _keys = new Keys(read(), time.GetTimestamp());
            var wasFailing = _failure is not null;
            _failure = null;
            if (wasFailing) LogReadable(logger);
        }
        catch (Exception e)
        {
            var isFirst = _failure is null;
            _failure = new Failure(e, time.GetTimestamp());
            if (isFirst) LogUnreadable(logger, e.Message);
            LogFailure(logger, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The keys that seal tickets cannot be read from the store: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "How reading the keys failed")]
    private static partial void LogFailure(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "The keys that seal tickets can be read again")]
    private static partial void LogReadable(ILogger logger);

    private sealed record Keys(IKeyRing Ring, long ReadAt);

    private sealed record Failure(Exception Cause, long At);
}
