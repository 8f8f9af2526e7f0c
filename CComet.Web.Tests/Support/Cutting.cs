namespace CComet.Web.Tests.Support;

/// <summary>A channel whose follower is cut off again and again while messages are published.</summary>
public static class Cutting
{
    private const int BatchSize = 30;

    /// <summary>Where each answer is cut: in its head, in its first lines, inside an event; always before a batch has passed.</summary>
    private static readonly int[] Cuts = [900, 40, 700, 333, 1500, 1001, 420, 2000, 612, 1234, 777, 1800];

    /// <summary>How many messages are published; the first has the seqid 1.</summary>
    public static int Messages => (Cuts.Length + 1) * BatchSize;

    /// <summary>The seqids of them all.</summary>
    public static IReadOnlyList<string> Expected { get; } = [.. Enumerable.Range(1, Messages).Select(i => $"{i}")];

    public static Relay NewRelay(LiveServer server) => new(server.Port, Cuts);

    /// <summary>Publishes a batch for each cut, each longer than what the connection lets through, and a last one that passes.</summary>
    public static async Task PublishAsync(LiveServer server, Relay relay)
    {
        for (var cuts = 1; cuts <= Cuts.Length + 1; cuts++)
        {
            for (var i = 0; i < BatchSize; i++) await server.PublishAsync("a", "☄");
            var wanted = Math.Min(cuts, Cuts.Length);
            await Eventually.TrueAsync(() => relay.Cuts >= wanted, $"Cut {wanted}");
        }

        Assert.Equal(Cuts.Length, relay.Cuts);
    }
}
