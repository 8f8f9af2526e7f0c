using System.Security.Cryptography;
using System.Text;
using CComet.Dialects.Native;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CComet.Http;

/// <summary>The handshake of a WebSocket, over HTTP/1.1 (RFC 6455) or HTTP/2 (RFC 8441).</summary>
internal static class WebSocketHandshake
{
    private const string HandshakeGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    private const int KeyBytes = 16;

    /// <summary>Accepts it.</summary>
    /// <exception cref="WireException">400, 426: the request is none.</exception>
    public static async ValueTask<Stream> AcceptAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true, Protocol: "websocket" } connect) return await connect.AcceptAsync();
        var headers = context.Request.Headers;
        if (context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true } upgrade || !headers.Upgrade.ToString().Equals("websocket", StringComparison.OrdinalIgnoreCase))
        {
            throw RefuseHandshake(context.Response, "this path speaks WebSocket; send Connection: Upgrade and Upgrade: websocket.");
        }

        if (headers.SecWebSocketVersion.ToString() != "13")
        {
            throw RefuseHandshake(context.Response, "Sec-WebSocket-Version must be 13.");
        }

        var key = headers.SecWebSocketKey.ToString();
        Span<byte> bytes = stackalloc byte[KeyBytes + 2];
        if (!Convert.TryFromBase64String(key, bytes, out var length) || length != KeyBytes) throw WireException.Bad("Sec-WebSocket-Key", "must be 16 bytes as base64.");
        context.Response.Headers.Upgrade = "websocket";
        context.Response.Headers.SecWebSocketAccept = AcceptOf(key);
        return await upgrade.UpgradeAsync();
    }

    /// <summary>426, with what RFC 9110 and RFC 6455 want said beside it.</summary>
    private static WireException RefuseHandshake(HttpResponse response, string what)
    {
        response.Headers.Upgrade = "websocket";
        response.Headers.SecWebSocketVersion = "13";
        return WireException.UpgradeRequired(what);
    }

    /// <summary>SHA-1 is what RFC 6455 asks for here: it proves that the request was understood, and guards no secret.</summary>
    private static string AcceptOf(string key)
    {
#pragma warning disable CA5350 // Weak cryptographic algorithm: the protocol's choice, see above.
        return Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + HandshakeGuid)));
#pragma warning restore CA5350
    }
}
