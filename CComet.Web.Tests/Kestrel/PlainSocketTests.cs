using System.Net.Sockets;
using CComet.Kestrel;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace CComet.Web.Tests.Kestrel;

/// <summary>
/// Streams write past the server's pipes, which is right only as long as a pipe holds nothing back once it has been flushed: a server
/// that is let off waiting for the kernel would let messages overtake each other, at a client that reads slowly and nowhere else.
/// </summary>
public sealed class PlainSocketTests
{
    [Fact]
    public async Task Flush_is_over_only_when_the_kernel_has_all_of_it()
    {
        await using var server = await LiveServer.StartAsync();
        Assert.Equal(1, server.Services.GetRequiredService<IOptions<SocketTransportOptions>>().Value.MaxWriteBufferSize);
    }

    [Fact]
    public void Client_that_has_gone_before_its_stream_began_leaves_no_socket_and_makes_no_failure()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        var context = new DefaultHttpContext();
        context.Request.Protocol = "HTTP/1.1";
        context.Features.Set<IConnectionSocketFeature>(new Connection(socket));
        context.Features.Set<IHttpResponseBodyFeature>(new KestrelRequest());
        Assert.Same(socket, PlainSocket.Find(context));
        socket.Dispose();
        Assert.Null(PlainSocket.Find(context));
    }

    [Fact]
    public void Stream_behind_a_middleware_with_a_body_of_its_own_has_no_socket()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        var context = new DefaultHttpContext();
        context.Request.Protocol = "HTTP/1.1";
        context.Features.Set<IConnectionSocketFeature>(new Connection(socket));
        context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(Stream.Null));
        Assert.Null(PlainSocket.Find(context));
    }

    private sealed record Connection(Socket Socket) : IConnectionSocketFeature;

    /// <summary>Is the request and its body in one, as Kestrel's object is.</summary>
    private sealed class KestrelRequest() : StreamResponseBodyFeature(Stream.Null), IHttpRequestFeature
    {
        public string Protocol { get; set; } = "";

        public string Scheme { get; set; } = "";

        public string Method { get; set; } = "";

        public string PathBase { get; set; } = "";

        public string Path { get; set; } = "";

        public string QueryString { get; set; } = "";

        public string RawTarget { get; set; } = "";

        public IHeaderDictionary Headers { get; set; } = new HeaderDictionary();

        public Stream Body { get; set; } = System.IO.Stream.Null;
    }
}
