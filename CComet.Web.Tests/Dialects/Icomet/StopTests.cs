using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary>A planned stop ends everything that waits.</summary>
public sealed class StopTests
{
    public static TheoryData<string> Stores => IcometServer.Stores;

    [Theory, MemberData(nameof(Stores))]
    public async Task Stop_ends_polls_streams_and_psub_at_once(string store)
    {
        // The clock stands still: nothing ends because its time is over.
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        await using var server = await IcometServer.StartAsync(time, store);
        using var psub = await OpenAnswer.GetAsync($"{server.AdminUrl}/psub");
        using var stream = await server.StreamAsync("a");
        using var events = await OpenAnswer.GetAsync($"{server.FrontUrl}/sse?cname=a");
        using var frame = await OpenAnswer.GetAsync($"{server.FrontUrl}/iframe?cname=a");
        await server.UntilWaitingAsync("a", 3);
        var poll = await server.ParkAsync("a", ("noop", "4"));
        Assert.Equal("1 a", await psub.LineAsync());

        await server.Server.StopAsync();
        Assert.Equal("noop 4", (await poll).Told());
        Assert.Null(await stream.LineAsync());
        Assert.Null(await events.EventAsync());
        Assert.Equal("", string.Concat((await frame.RestAsync()).Split('\n')[1..]));
        Assert.Equal("", await psub.RestAsync());
    }
}
