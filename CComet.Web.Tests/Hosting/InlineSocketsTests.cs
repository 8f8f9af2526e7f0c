using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hosting;

/// <summary>What goes on after a socket has something goes on on the threads that hear of it: said too late, the runtime does not listen.</summary>
public sealed class InlineSocketsTests
{
    private const string SocketThread = ".NET Sockets";

    [Fact]
    public async Task Servers_own_process_hears_of_its_sockets_on_a_thread_for_each_processor()
    {
        await using var server = ServerProcess.Start();
        using var client = await server.ClientAsync();
        (await client.GetAsync(new Uri("/health/live", UriKind.Relative))).EnsureSuccessStatusCode();
        await Eventually.TrueAsync(() => server.Threads.Count(name => name == SocketThread) == Environment.ProcessorCount, "A thread for each processor");
    }
}
