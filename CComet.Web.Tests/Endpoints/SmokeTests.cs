using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Endpoints;

public sealed class SmokeTests
{
    [Fact]
    public async Task Publishes_and_polls_over_a_real_socket()
    {
        await using var server = await LiveServer.StartAsync("CComet:Poll:Timeout=00:00:01");
        await server.PublishAsync("a", "hello");
        Assert.Contains("hello", await server.Http.GetStringAsync(new Uri("/sub?channel=a&seqid=0", UriKind.Relative)), StringComparison.Ordinal);
    }
}
