using System.Buffers;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace CComet.Conformance.Server;

/// <summary>The other side has ended the connection, or this one has.</summary>
internal sealed class ConnectionEndedException(string reason) : Exception(reason);

/// <summary>One accepted socket: reads requests and bytes, notices that the client has gone, and writes as it is told.</summary>
internal sealed class WireConnection : IDisposable
{
    private const int MostHead = 64 * 1024;

    private readonly Socket _socket;
    private readonly CancellationToken _end;
    private readonly byte[] _piece = new byte[16 * 1024];
    private readonly ArrayBufferWriter<byte> _came = new();
    private int _read;
    private Task<int>? _reading;
    private bool _isOver;

    public WireConnection(Socket socket, CancellationToken end)
    {
        (_socket, _end) = (socket, end);
        _socket.NoDelay = true;
    }

    private ReadOnlySpan<byte> Unread => _came.WrittenSpan[_read..];

    /// <summary>Reads the next request; null when the client has ended the connection.</summary>
    public async Task<WireRequest?> ReadRequestAsync()
    {
        int head;
        while ((head = Unread.IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (Unread.Length > MostHead) throw new ConnectionEndedException("The head of the request is too long.");
            if (!await FillAsync()) return null;
        }

        var lines = Encoding.Latin1.GetString(Unread[..head]).Split("\r\n");
        _read += head + 4;
        var words = lines[0].Split(' ');
        if (words.Length != 3) throw new ConnectionEndedException($"The request begins with '{lines[0]}'.");
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var line in lines[1..])
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0) headers[line[..colon]] = line[(colon + 1)..].Trim();
        }

        return new WireRequest(words[0], words[1], headers, await ReadBodyAsync(headers));
    }

    /// <summary>Takes so many bytes as they come.</summary>
    public async Task<byte[]> TakeAsync(int count)
    {
        while (Unread.Length < count)
        {
            if (!await FillAsync()) throw new ConnectionEndedException("The client has ended the connection.");
        }

        var bytes = Unread[..count].ToArray();
        _read += count;
        return bytes;
    }

    /// <summary>Waits for a task, or until the client is gone.</summary>
    /// <exception cref="ConnectionEndedException">The client is gone.</exception>
    public async Task WaitAsync(Task task)
    {
        while (!task.IsCompleted)
        {
            var fill = _isOver ? throw new ConnectionEndedException("The client has ended the connection.") : ReadMoreAsync();
            if (await Task.WhenAny(task, fill).WaitAsync(_end) == fill && !Take(await fill)) throw new ConnectionEndedException("The client has ended the connection.");
        }
    }

    /// <summary>Waits until the client is gone; what it still sends is passed over.</summary>
    public async Task WaitForEndAsync()
    {
        while (await FillAsync()) _read = _came.WrittenCount;
    }

    public async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0) bytes = bytes[await _socket.SendAsync(bytes, _end)..];
        }
        catch (SocketException)
        {
            throw new ConnectionEndedException("The client has ended the connection.");
        }
    }

    public Task WriteAsync(string text) => WriteAsync(Encoding.UTF8.GetBytes(text));

    /// <summary>Ends the connection for the client, and waits until it has done so as well: closed at once, bytes that were sent could still be lost.</summary>
    public async Task CutAsync()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            return;
        }

        await WaitForEndAsync();
    }

    /// <summary>Ends the connection by a reset.</summary>
    public void Abort()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Close();
    }

    public void Dispose() => _socket.Dispose();

    private async Task<byte[]> ReadBodyAsync(Dictionary<string, string> headers)
    {
        if (headers.GetValueOrDefault("Expect")?.Equals("100-continue", StringComparison.OrdinalIgnoreCase) == true) await WriteAsync("HTTP/1.1 100 Continue\r\n\r\n");
        if (headers.TryGetValue("Content-Length", out var length)) return await TakeAsync(int.Parse(length, CultureInfo.InvariantCulture));
        if (headers.GetValueOrDefault("Transfer-Encoding")?.Contains("chunked", StringComparison.OrdinalIgnoreCase) != true) return [];
        var body = new MemoryStream();
        for (; ; )
        {
            var size = int.Parse((await ReadLineAsync()).Split(';')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (size == 0) break;
            body.Write(await TakeAsync(size));
            await ReadLineAsync();
        }

        while ((await ReadLineAsync()).Length > 0) continue;
        return body.ToArray();
    }

    private async Task<string> ReadLineAsync()
    {
        int end;
        while ((end = Unread.IndexOf("\r\n"u8)) < 0)
        {
            if (!await FillAsync()) throw new ConnectionEndedException("The client has ended the connection.");
        }

        var line = Encoding.Latin1.GetString(Unread[..end]);
        _read += end + 2;
        return line;
    }

    private async Task<bool> FillAsync() => !_isOver && Take(await ReadMoreAsync().WaitAsync(_end));

    private bool Take(int count)
    {
        _reading = null;
        if (_read == _came.WrittenCount)
        {
            _came.ResetWrittenCount();
            _read = 0;
        }

        _came.Write(_piece.AsSpan(0, count));
        _isOver = count == 0;
        return count > 0;
    }

    private Task<int> ReadMoreAsync()
    {
        return _reading ??= ReceiveAsync();

        async Task<int> ReceiveAsync()
        {
            try
            {
                return await _socket.ReceiveAsync(_piece, SocketFlags.None, _end);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return 0;
            }
        }
    }
}
