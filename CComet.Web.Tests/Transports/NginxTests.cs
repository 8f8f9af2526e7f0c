using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Transports;

/// <summary>Behind nginx as Debian ships it, with its default buffering on.</summary>
public sealed class NginxTests
{
    private const int Messages = 20;

    [Theory]
    [InlineData("/sse")]
    [InlineData("/stream")]
    public async Task Each_message_arrives_before_the_next_is_published_and_X_Accel_Buffering_made_it_so(string path)
    {
        await using var server = await LiveServer.StartAsync();
        await using var nginx = await Nginx.StartAsync(server.Port);
        using var open = await OpenAnswer.GetAsync($"{nginx.Url}{path}?channel=a");

        // The same way but for that one header, which nginx obeys and does not hand on.
        var deaf = FirstLineAsync($"{nginx.DeafUrl}{path}?channel=a");
        await Eventually.TrueAsync(() => server.Hub.Find("a")?.Waiting == 2, "Both follow");
        Assert.False(open.Head.Headers.Contains("X-Accel-Buffering"));

        for (var i = 0; i < Messages; i++)
        {
            await server.PublishAsync("a", $"message {i}");
            var line = await open.LineAsync();
            while (!line!.Contains($"\"message {i}\"", StringComparison.Ordinal)) line = await open.LineAsync();
        }

        // Without it nothing at all has come through, until the stream ends and all comes together.
        Assert.False(deaf.IsCompleted, "Without X-Accel-Buffering nginx was expected to hold the stream back; then this test proves nothing.");
        await server.StopAsync();
        using var held = await deaf;
        var rest = await held.RestAsync();
        Assert.All(Enumerable.Range(0, Messages), i => Assert.Contains($"\"message {i}\"", rest, StringComparison.Ordinal));
    }

    private static async Task<OpenAnswer> FirstLineAsync(string url)
    {
        var answer = await OpenAnswer.GetAsync(url);
        Assert.NotNull(await answer.LineAsync());
        return answer;
    }
}
