using System.Security.Cryptography;
using System.Text;
using CComet.Conformance.Scenarios;

namespace CComet.Conformance.Server;

/// <summary>The server's end of a WebSocket, without extensions.</summary>
internal sealed class FrameSocket(WireConnection connection, Style style, int? cutAt) : IDisposable
{
    private const int Text = 1;
    private const int Close = 8;
    private const int Ping = 9;
    private const int Pong = 10;
    private const int Final = 0x80;

    private readonly SemaphoreSlim _writing = new(1);
    private int _left = cutAt ?? int.MaxValue;

    /// <summary>Answers the handshake.</summary>
    public static async Task AcceptAsync(WireConnection connection, WireRequest request)
    {
        // The protocol's own; it protects nothing.
#pragma warning disable CA5350
        var accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(request.Header("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
        await connection.WriteAsync($"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n");
    }

    /// <summary>Reads the next text; null when the client closes.</summary>
    public async Task<string?> ReadAsync()
    {
        var whole = new List<byte>();
        for (; ; )
        {
            var head = await connection.TakeAsync(2);
            long length = head[1] & 0x7F;
            if (length >= 126)
            {
                var bytes = await connection.TakeAsync(length == 126 ? 2 : 8);
                length = bytes.Aggregate(0L, (sum, b) => (sum << 8) | b);
            }

            if ((head[1] & 0x80) == 0) throw new ConnectionEndedException("A frame of the client is not masked.");
            var mask = await connection.TakeAsync(4);
            var payload = await connection.TakeAsync((int)length);
            for (var i = 0; i < payload.Length; i++) payload[i] ^= mask[i % 4];
            switch (head[0] & 0x0F)
            {
                case Close:
                    await WriteFrameAsync(Close | Final, payload.Length >= 2 ? payload[..2] : []);
                    return null;
                case Ping:
                    await WriteFrameAsync(Pong | Final, payload);
                    break;
                case Pong:
                    break;
                default:
                    whole.AddRange(payload);
                    if ((head[0] & Final) != 0) return Encoding.UTF8.GetString([.. whole]);
                    break;
            }
        }
    }

    /// <summary>Sends a text: as one frame, or in as many as the style's pieces make.</summary>
    public async Task SendAsync(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var size = style.Pieces ?? Math.Max(bytes.Length, 1);
        await _writing.WaitAsync();
        try
        {
            for (var at = 0; at == 0 || at < bytes.Length; at += size)
            {
                var payload = bytes.AsMemory(at, Math.Min(size, bytes.Length - at));
                await WriteAsync((at == 0 ? Text : 0) | (at + size >= bytes.Length ? Final : 0), payload);
            }
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Says that nothing more comes, and why.</summary>
    public Task CloseAsync(int code) => WriteFrameAsync(Close | Final, [(byte)(code >> 8), (byte)code]);

    public void Dispose() => _writing.Dispose();

    private async Task WriteFrameAsync(int opcode, byte[] payload)
    {
        await _writing.WaitAsync();
        try
        {
            await WriteAsync(opcode, payload);
        }
        finally
        {
            _writing.Release();
        }
    }

    private async Task WriteAsync(int first, ReadOnlyMemory<byte> payload)
    {
        byte[] length = payload.Length switch
        {
            < 126 => [(byte)payload.Length],
            <= ushort.MaxValue => [126, (byte)(payload.Length >> 8), (byte)payload.Length],
            _ => [127, 0, 0, 0, 0, (byte)(payload.Length >> 24), (byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length],
        };
        byte[] frame = [(byte)first, .. length, .. payload.Span];
        var isCut = frame.Length >= _left;
        if (isCut) frame = frame[.._left];
        _left -= frame.Length;
        await connection.WriteAsync(frame);
        if (isCut) throw new CutException();
    }
}
