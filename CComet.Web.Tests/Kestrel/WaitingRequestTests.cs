using System.Runtime.CompilerServices;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CComet.Web.Tests.Kestrel;

/// <summary>What a browser sends with each request is as large as all the rest that is held of one that waits.</summary>
[Collection(Alone.Name)]
public sealed class WaitingRequestTests
{
    private static readonly string[] Sent =
    [
        "Host: localhost", "User-Agent: Mozilla/5.0 (X11; Linux x86_64)", "Accept: */*", "Accept-Encoding: gzip, deflate, br, zstd", "Accept-Language: en-GB,en;q=0.9",
        "Cache-Control: no-cache", "Cookie: session=0123456789", "Origin: http://localhost", "Referer: http://localhost/chat.html",
        "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmVk", "If-None-Match: \"1\"", "Pragma: no-cache", "Via: 1.1 proxy", "baggage: a=1", "tracestate: a=1",
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "X-Of-An-Application: its own",
    ];

    private readonly List<WeakReference> _held = [];

    [Theory]
    [InlineData("/sub?channel=a")]
    [InlineData("/sse?channel=a")]
    [InlineData("/stream?channel=a")]
    [InlineData("/ws?channel=a", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")]
    public async Task Parked_request_holds_nothing_of_the_headers_and_the_target_it_sent(string target, params string[] handshake)
    {
        await using var server = await LiveServer.StartAsync(0, new CCometFactory { OnRequest = Remember });
        using var connection = await RawHttp.ConnectAsync(server.Port);
        await connection.SendAsync($"GET {target}&more={new string('x', 300)} HTTP/1.1\r\n{string.Join("\r\n", Sent.Concat(handshake))}\r\n\r\n");
        await Eventually.TrueAsync(() => server.Hub.Find("a")?.Waiting == 1, "It waits");

        Assert.Equal(Sent.Length + 2, _held.Count);
        await Eventually.TrueAsync(IsNothingHeld, "All that was sent is freed");
        Assert.Equal(1, server.Hub.SubscriberCount);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Remember(HttpContext context)
    {
        _held.Add(new WeakReference(context.Request.QueryString.Value));
        _held.Add(new WeakReference(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget));
        foreach (var line in Sent) _held.Add(new WeakReference((string?)context.Request.Headers[line[..line.IndexOf(':', StringComparison.Ordinal)]]));
    }

    private bool IsNothingHeld()
    {
        GC.Collect();
        return _held.TrueForAll(reference => !reference.IsAlive);
    }
}
