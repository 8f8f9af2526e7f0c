using System.Globalization;
using System.Net.Sockets;
using System.Text;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hardening.Fuzz;

/// <summary>An answer of HTTP/1.1, read to its end; of one that has no end, its head.</summary>
internal sealed record FuzzAnswer(int Status, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string Type => Headers.GetValueOrDefault("Content-Type") ?? "";

    /// <summary>Whether the connection can take no further request.</summary>
    public bool IsLast => Status == 101 || IsEndless || Headers.GetValueOrDefault("Connection") == "close";

    /// <summary>Whether it goes on as long as the connection.</summary>
    public bool IsEndless => Type.StartsWith("text/event-stream", StringComparison.Ordinal) || Type.StartsWith("application/x-ndjson", StringComparison.Ordinal);
}

/// <summary>One connection whose every byte a generator has made.</summary>
internal sealed class FuzzConnection : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private byte[] _buffer = new byte[16 << 10];
    private int _start;
    private int _end;

    private FuzzConnection()
    {
    }

    public static async Task<FuzzConnection> OpenAsync(int port)
    {
        var connection = new FuzzConnection();
        await connection._socket.ConnectAsync("127.0.0.1", port);
        return connection;
    }

    /// <summary>Sends bytes; says whether the server took them all. One that has refused a request may not.</summary>
    public async Task<bool> SendAsync(byte[] bytes)
    {
        using var deadline = new CancellationTokenSource(Patience.Limit);
        try
        {
            for (var sent = 0; sent < bytes.Length;) sent += await _socket.SendAsync(bytes.AsMemory(sent), deadline.Token);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Tells the server that nothing more will come.</summary>
    public void EndSending()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The server has ended the connection already.
        }
    }

    /// <summary>Reads the next answer; null when the connection ended instead.</summary>
    public async Task<FuzzAnswer?> AnswerAsync(bool isHead)
    {
        while (true)
        {
            if (await LineAsync() is not { } first) return null;
            if (!first.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) || !int.TryParse(first.AsSpan(9, Math.Min(3, first.Length - 9)), NumberStyles.None, CultureInfo.InvariantCulture, out var status))
                throw new InvalidDataException($"'{first}' is no status line.");
            var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            while (await LineAsync() is { } line)
            {
                if (line.Length == 0) break;
                var colon = line.IndexOf(':', StringComparison.Ordinal);
                if (colon <= 0) throw new InvalidDataException($"'{line}' is no header.");
                headers[line[..colon]] = line[(colon + 1)..].Trim();
            }

            if (status == 100) continue;
            var answer = new FuzzAnswer(status, headers, []);
            return isHead || status is 101 or 204 or 304 || answer.IsEndless ? answer : answer with { Body = await BodyAsync(headers) };
        }
    }

    /// <summary>Reads everything up to the end of the connection.</summary>
    public async Task<byte[]> RestAsync()
    {
        while (await FillAsync()) { }
        return _buffer[_start.._end];
    }

    public void Dispose()
    {
        // By a reset: hundreds of thousands of connections would leave no port.
        if (_socket.Connected) _socket.LingerState = new LingerOption(true, 0);
        _socket.Dispose();
    }

    private async Task<byte[]> BodyAsync(Dictionary<string, string> headers)
    {
        if (headers.TryGetValue("Content-Length", out var length)) return await TakeAsync(int.Parse(length, NumberStyles.None, CultureInfo.InvariantCulture));
        if (!headers.ContainsKey("Transfer-Encoding")) return await RestAsync();
        using var body = new MemoryStream();
        while (true)
        {
            var size = int.Parse(await LineAsync() ?? throw new EndOfStreamException(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            body.Write(await TakeAsync(size));
            if (await LineAsync() != "") throw new InvalidDataException("A chunk is not as long as it says.");
            if (size == 0) return body.ToArray();
        }
    }

    private async Task<byte[]> TakeAsync(int length)
    {
        while (_end - _start < length)
        {
            if (!await FillAsync()) throw new EndOfStreamException($"{_end - _start} of {length} bytes came.");
        }

        _start += length;
        return _buffer[(_start - length).._start];
    }

    private async Task<string?> LineAsync()
    {
        var looked = 0;
        while (true)
        {
            var end = _buffer.AsSpan(_start + looked, _end - _start - looked).IndexOf("\r\n"u8);
            if (end >= 0)
            {
                var line = Encoding.Latin1.GetString(_buffer, _start, looked + end);
                _start += looked + end + 2;
                return line;
            }

            looked = Math.Max(0, _end - _start - 1);
            if (await FillAsync()) continue;
            return _end == _start ? null : throw new EndOfStreamException("The connection ended within a line.");
        }
    }

    /// <summary>Receives some more; false at the end of the connection, in good order or not.</summary>
    private async Task<bool> FillAsync()
    {
        if (_start == _end) _start = _end = 0;
        if (_end == _buffer.Length)
        {
            if (_start == 0) Array.Resize(ref _buffer, 2 * _buffer.Length);
            else _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }

        using var deadline = new CancellationTokenSource(Patience.Limit);
        try
        {
            var received = await _socket.ReceiveAsync(_buffer.AsMemory(_end), deadline.Token);
            _end += received;
            return received > 0;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
