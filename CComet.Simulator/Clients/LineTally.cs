using System.Collections.Concurrent;

namespace CComet.Simulator.Clients;

/// <summary>What happened to the connections of a run.</summary>
internal sealed class LineTally
{
    private readonly ConcurrentDictionary<string, long> _errors = new();
    private long _connects;
    private long _drops;
    private long _byes;

    /// <summary>Connections of subscribers that came about.</summary>
    public long Connects => Interlocked.Read(ref _connects);

    /// <summary>Connections that this tool cut on purpose.</summary>
    public long Drops => Interlocked.Read(ref _drops);

    /// <summary>BYEs told.</summary>
    public long Byes => Interlocked.Read(ref _byes);

    /// <summary>What went wrong otherwise, and how often.</summary>
    public IReadOnlyDictionary<string, long> Errors => _errors;

    public long ErrorCount => _errors.Values.Sum();

    public void Connected() => Interlocked.Increment(ref _connects);

    public void Dropped() => Interlocked.Increment(ref _drops);

    public void Bye() => Interlocked.Increment(ref _byes);

    public void Failed(string what) => _errors.AddOrUpdate(what, 1, static (_, count) => count + 1);
}
