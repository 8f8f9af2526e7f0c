namespace CComet.Storage;

/// <summary>Deliveries that listeners left with a store, to be run once it has left its locks. Used by one thread.</summary>
/// <remarks>A store whose append runs on the publisher's thread saves the publish a wake-up of another thread for each of them.</remarks>
public sealed class DeferredDeliveries
{
    private readonly List<IThreadPoolWorkItem> _deliveries = [];

    /// <summary>Leaves a delivery. It may not block.</summary>
    public void Add(IThreadPoolWorkItem delivery) => _deliveries.Add(delivery);

    /// <summary>Runs the deliveries in their order. The thread may hold no lock.</summary>
    public void Run()
    {
        foreach (var delivery in _deliveries) delivery.Execute();
    }
}
