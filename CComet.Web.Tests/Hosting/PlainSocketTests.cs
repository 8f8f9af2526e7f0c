using System.Net.Sockets;
using CComet.Kestrel;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
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

    [Fact]
    public void A_client_that_has_gone_before_its_stream_began_leaves_no_socket_and_makes_no_failure()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        var context = new DefaultHttpContext();
        context.Request.Protocol = "HTTP/1.1";
        context.Features.Set<IConnectionSocketFeature>(new Connection(socket));
        Assert.Same(socket, PlainSocket.Of(context));
        socket.Dispose();
        Assert.Null(PlainSocket.Of(context));
    }

    private sealed record Connection(Socket Socket) : IConnectionSocketFeature;
}
