namespace CComet.Limits;

/// <summary>
/// Bounds the bodies of requests, and the messages of WebSockets, that are in memory at one moment: counted as they come, until
/// they are stored or refused.
/// </summary>
/// <remarks>
/// The first <see cref="FreeBytes"/> of each are not counted: connections bound them, and slow large uploads that fill the budget
/// cannot have small publishes refused. A body that says it is long counts for nothing before its bytes are there.
/// </remarks>
internal sealed class BodyBudget(LimitOptions limits, LimitMonitor monitor)
{
    /// <summary>The setting, as refusals name it.</summary>
    public const string Bound = "Limits:BodiesInFlightBytes";

    /// <summary>How much of each body is not counted, in bytes.</summary>
    public const int FreeBytes = 16 << 10;

    private readonly ByteBudget _budget = new(ByteBudget.Resolve(limits.BodiesInFlightBytes, 16));

    /// <summary>The bytes counted at this moment.</summary>
    public long Used => _budget.Used;

    /// <summary>The bound, in bytes.</summary>
    public long Max => _budget.Max;

    /// <summary>Counts a body that has now so many bytes; 0 ends it.</summary>
    /// <param name="held">What is counted for this body: the caller keeps it, and only this method changes it.</param>
    /// <param name="bytes">The body's bytes in memory.</param>
    /// <exception cref="LimitException">The bound is met; what was counted before still is.</exception>
    public void Cover(ref long held, long bytes)
    {
        var more = Math.Max(0, bytes - FreeBytes) - held;
        if (more == 0) return;
        if (more < 0) _budget.Add(more);
        else if (!_budget.TryAdd(more, held)) throw monitor.Refuse(Bound, isGlobal: true, "body", $"the bodies being read have {Max} bytes already (CComet:{Bound}).");
        held += more;
    }
}
