using System.Net;
using System.Net.Sockets;
using CComet.Kestrel;

namespace CComet.Web.Tests.Kestrel;

/// <summary>A listener that is about to be closed: what it has is kept, and nothing more comes.</summary>
public sealed class SynFilterTests
{
    [Fact]
    public async Task Filtered_listener_keeps_the_connections_made_and_makes_no_other()
    {
        if (!OperatingSystem.IsLinux()) return;
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var early = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await early.ConnectAsync(listener.LocalEndPoint!);

        SynFilter.Attach(listener);
        using var late = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var connecting = late.ConnectAsync(listener.LocalEndPoint!);
        using var accepted = await listener.AcceptAsync();
        Assert.Equal(early.LocalEndPoint!.ToString(), accepted.RemoteEndPoint!.ToString());
        Assert.False(listener.Poll(TimeSpan.Zero, SelectMode.SelectRead), "Nothing is left to be accepted.");

        // The accepted one inherits the filter, which is in nobody's way.
        var one = new byte[1];
        await early.SendAsync("q"u8.ToArray());
        Assert.Equal(1, await accepted.ReceiveAsync(one));
        await accepted.SendAsync("a"u8.ToArray());
        Assert.Equal(1, await early.ReceiveAsync(one));

        listener.Dispose();
        Assert.Equal(SocketError.ConnectionRefused, (await Assert.ThrowsAsync<SocketException>(() => connecting)).SocketErrorCode);
    }
}
