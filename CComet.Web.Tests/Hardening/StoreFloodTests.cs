using System.Collections.Concurrent;
using System.Net;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hardening;

/// <summary>Clients that fill the store: what they may take is bounded in bytes, and clients that come after them are served.</summary>
[Collection(Alone.Name)]
public sealed class StoreFloodTests
{
    /// <summary>1 MB messages to fresh names, more than the heap can hold: no answer may be a 5xx, and the process must live.</summary>
    [Fact]
    public async Task Large_messages_to_fresh_names_are_stored_or_refused_and_never_end_the_process()
    {
        await using var server = ServerProcess.StartWith(
            new Dictionary<string, string> { ["DOTNET_GCHeapHardLimit"] = "0x12000000" },
            "--CComet:Limits:MessageBytes=1048576",
            "--CComet:Limits:BodyBytes=2097152",
            "--Serilog:MinimumLevel:Default=Warning",
            "--Serilog:MinimumLevel:Override:Microsoft.Hosting.Lifetime=Information");
        using var http = await server.ClientAsync();
        (await http.PostAsync(Pub("honest"), new StringContent("kept"))).EnsureSuccessStatusCode();
        var answers = new ConcurrentBag<HttpStatusCode>();
        var text = new string('x', 1_000_000);
        await Parallel.ForEachAsync(Enumerable.Range(0, 600), new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (i, cancellation) =>
        {
            using var answer = await http.PostAsync(Pub($"flood{i}"), new StringContent(text), cancellation);
            answers.Add(answer.StatusCode);
        });

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.TooManyRequests], answers.Distinct().Order());
        using var refused = await http.PostAsync(Pub("floods-on"), new StringContent(text));
        Assert.Contains("histories of all channels", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.NotNull(refused.Headers.RetryAfter);

        // Publishes of the usual size are accepted, and no channel that held less has lost its history.
        for (var i = 0; i < 100; i++) (await http.PostAsync(Pub($"usual{i}"), new StringContent("hello"))).EnsureSuccessStatusCode();
        Assert.Contains("kept", await http.GetStringAsync(new Uri("/sub?channel=honest&seqid=0&wait=0", UriKind.Relative)), StringComparison.Ordinal);
    }

    /// <summary>Ids of 200 characters, one publish each: what is remembered of an id does not grow with its length.</summary>
    [Fact]
    public async Task Long_ids_take_as_little_memory_as_short_ones()
    {
        const int Count = 20_000;
        var store = HubFixture.NewStore(new HubOptions { History = new HistoryOptions { MaxMessages = 1 } }, TimeProvider.System);
        await store.AppendAsync([HubFixture.NewMessage("c", "x", "first")]);
        var before = Heap.SettledBytes();
        for (var i = 0; i < Count; i++) await store.AppendAsync([HubFixture.NewMessage("c", "x", $"{i}".PadLeft(200, 'i'))]);
        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / Count;
        Assert.Equal(Count + 1, store.IdCount);
        Assert.InRange(each, long.MinValue, 200);
    }

    private static Uri Pub(string channel) => new($"/pub?channel={channel}", UriKind.Relative);
}
