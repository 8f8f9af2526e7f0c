using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace CComet.Web.Tests.Hosting;

/// <summary>
/// Streams write past the server's pipes, which is right only as long as a pipe holds nothing back once it has been flushed: a server
/// that is let off waiting for the kernel would let messages overtake each other, at a client that reads slowly and nowhere else.
/// </summary>
public sealed class PlainSocketTests
{
    [Fact]
    public async Task A_flush_is_over_only_when_the_kernel_has_all_of_it()
    {
        await using var server = await LiveServer.StartAsync();
        Assert.Equal(1, server.Services.GetRequiredService<IOptions<SocketTransportOptions>>().Value.MaxWriteBufferSize);
    }
}
