namespace CComet.Storage;

/// <summary>Collects the deliveries that listeners leave with a store, to be run once it has left its locks. Not safe for use by several threads.</summary>
/// <remarks>
/// A store whose append runs on the publisher's thread saves the publish a wake-up of another thread for each of them: it makes one for
/// each append, hands it to <see cref="ILogListener.Appended"/>, and runs it. Another store hands over null.
/// </remarks>
public sealed class DeferredDeliveries
{
    private readonly List<IThreadPoolWorkItem> _deliveries = [];

    /// <summary>Adds a delivery.</summary>
    /// <param name="delivery">The delivery. It may not block, and may not throw: those behind it would not run.</param>
    public void Add(IThreadPoolWorkItem delivery) => _deliveries.Add(delivery);

    /// <summary>Runs the deliveries in their order, on the calling thread, which may hold no lock. To be called once.</summary>
    public void Run()
    {
        foreach (var delivery in _deliveries) delivery.Execute();
    }
}
