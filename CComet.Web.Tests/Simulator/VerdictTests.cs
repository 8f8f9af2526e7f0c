namespace CComet.Web.Tests.Simulator;

/// <summary>A server that breaks the promise is found out, by a line and an exit code of 1.</summary>
public sealed class VerdictTests
{
    private const int Subscribers = 3;

    [Fact]
    public async Task Server_that_keeps_the_promise_passes()
    {
        var run = await RunAsync(seqid => [seqid]);
        Assert.True(run.ExitCode == 0, run.Errors);
        AssertFound(run, lost: 0, repeated: 0, outOfOrder: 0);
        Assert.Equal("", run.Errors);
    }

    [Fact]
    public async Task Server_that_drops_a_message_is_reported()
    {
        var run = await RunAsync(seqid => seqid == 3 ? [] : [seqid]);
        AssertBroken(run, lost: Subscribers, repeated: 0, outOfOrder: 0);
    }

    [Fact]
    public async Task Server_that_drops_the_last_message_is_reported()
    {
        var run = await RunAsync(seqid => seqid == 10 ? [] : [seqid], drain: "5s");
        AssertBroken(run, lost: Subscribers, repeated: 0, outOfOrder: 0);
    }

    [Fact]
    public async Task Server_that_repeats_a_message_is_reported()
    {
        var run = await RunAsync(seqid => seqid == 4 ? [4, 4] : [seqid]);
        AssertBroken(run, lost: 0, repeated: Subscribers, outOfOrder: 0);
    }

    [Fact]
    public async Task Server_that_changes_the_order_is_reported()
    {
        var run = await RunAsync(seqid => seqid switch
        {
            5 => [],
            6 => [6, 5],
            _ => [seqid],
        });
        AssertBroken(run, lost: 0, repeated: 0, outOfOrder: Subscribers);
    }

    /// <summary>One message to warm up, and ten.</summary>
    /// <param name="tell">What the server tells of a publish.</param>
    /// <param name="drain">How long nothing may come before the last message is called lost; a run to which everything comes never waits for it.</param>
    private static async Task<Simulation> RunAsync(Func<int, IEnumerable<int>> tell, string drain = "2m")
    {
        using var server = new FaultyServer(tell);
        return await Simulation.RunAsync($"fanout --url {server.Url} --transport sse --subscribers {Subscribers} --rate 50 --duration 200ms --publishers 1 --drain {drain} --json");
    }

    private static void AssertBroken(Simulation run, long lost, long repeated, long outOfOrder)
    {
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith($"The promise was broken: {lost} lost, {repeated} repeated, {outOfOrder} out of order", run.Errors, StringComparison.Ordinal);
        AssertFound(run, lost, repeated, outOfOrder);
    }

    private static void AssertFound(Simulation run, long lost, long repeated, long outOfOrder) =>
        Assert.Equal((lost, repeated, outOfOrder), (run.Count("promise", "lost"), run.Count("promise", "repeated"), run.Count("promise", "outOfOrder")));
}
