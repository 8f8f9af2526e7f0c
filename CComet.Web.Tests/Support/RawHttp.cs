using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CComet.Web.Tests.Support;

/// <summary>One connection whose every byte the test writes itself.</summary>
public sealed class RawHttp : IDisposable
{
    private readonly TcpClient _tcp;
    private readonly NetworkStream _stream;
    private readonly BufferedStream _input;

    private RawHttp(TcpClient tcp)
    {
        _tcp = tcp;

        // A TcpClient that was reset no longer gives it.
        _stream = tcp.GetStream();
        _input = new BufferedStream(_stream);
    }

    /// <summary>Connects, from an address of this machine where that matters.</summary>
    public static async Task<RawHttp> ConnectAsync(int port, int? receiveBuffer = null, IPAddress? from = null)
    {
        var tcp = new TcpClient(new IPEndPoint(from ?? IPAddress.Any, 0)) { NoDelay = true };
        if (receiveBuffer is not null) tcp.ReceiveBufferSize = receiveBuffer.Value;
        await tcp.ConnectAsync("127.0.0.1", port);
        return new RawHttp(tcp);
    }

    /// <summary>A GET of the target as it stands.</summary>
    public static byte[] Get(string target) => Encoding.Latin1.GetBytes($"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");

    public async Task SendAsync(byte[] bytes)
    {
        using var deadline = new CancellationTokenSource(Patience.Limit);
        await _stream.WriteAsync(bytes, deadline.Token);
    }

    public Task SendAsync(string latin1) => SendAsync(Encoding.Latin1.GetBytes(latin1));

    /// <summary>Sends as much as the server takes: one that refuses a request ends the connection, and may do so before all of it was sent.</summary>
    public async Task SendToRefusalAsync(string latin1)
    {
        try
        {
            await SendAsync(latin1);
        }
        catch (IOException)
        {
            // The answer was given first, and can be read.
        }
    }

    /// <summary>Reads the next answer; null when the server closed the connection instead of giving one.</summary>
    public async Task<Answer?> ReadAsync(bool bodiless = false)
    {
        using var deadline = new CancellationTokenSource(Patience.Limit);
        try
        {
            return await ReadAnswerAsync(bodiless, deadline.Token);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Sends a GET and reads its answer, which must come.</summary>
    public async Task<Answer> GetAsync(string target)
    {
        await SendAsync(Get(target));
        return await ReadAsync() ?? throw new InvalidOperationException("The server closed the connection.");
    }

    /// <summary>Reads one byte of what comes; -1 at the end.</summary>
    public async Task<int> ReadByteAsync()
    {
        using var deadline = new CancellationTokenSource(Patience.Limit);
        return await ReadByteAsync(deadline.Token);
    }

    /// <summary>Reads on until what was read, without the line ends of HTTP, ends with a text; fails when nothing more comes.</summary>
    public async Task<string> ReadUntilAsync(string end)
    {
        var got = new StringBuilder();
        while (!got.ToString().Replace("\r\n", "", StringComparison.Ordinal).EndsWith(end, StringComparison.Ordinal))
        {
            var next = await ReadByteAsync();
            Assert.True(next >= 0, $"{got}");
            got.Append((char)next);
        }

        return got.ToString();
    }

    /// <summary>Tells the server that nothing more will come.</summary>
    public void EndSending() => _tcp.Client.Shutdown(SocketShutdown.Send);

    /// <summary>Sends, and tells in the same packet that nothing more will come.</summary>
    public void SendLast(byte[] bytes)
    {
        Cork(_tcp.Client);
        _tcp.Client.Send(bytes);
        EndSending();
    }

    /// <summary>Has Linux keep back what is sent next until the sending side is closed.</summary>
    public static void Cork(Socket socket)
    {
        const int TcpLevel = 6;
        const int CorkOption = 3;
        socket.SetRawSocketOption(TcpLevel, CorkOption, BitConverter.GetBytes(1));
    }

    /// <summary>Closes the connection by a reset, not in good order.</summary>
    public void Reset()
    {
        _tcp.LingerState = new LingerOption(true, 0);
        _tcp.Close();
    }

    public void Dispose()
    {
        _input.Dispose();
        _tcp.Dispose();
    }

    private async Task<Answer?> ReadAnswerAsync(bool bodiless, CancellationToken deadline)
    {
        var first = await ReadLineAsync(deadline);
        if (first is null) return null;
        var status = int.Parse(first.Split(' ')[1], CultureInfo.InvariantCulture);
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        while (await ReadLineAsync(deadline) is { Length: > 0 } line)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            headers[line[..colon]] = line[(colon + 1)..].Trim();
        }

        return new Answer(status, headers, bodiless || status is < 200 or 204 or 304 ? [] : await ReadBodyAsync(headers, deadline));
    }

    private async Task<byte[]> ReadBodyAsync(Dictionary<string, string> headers, CancellationToken deadline)
    {
        using var body = new MemoryStream();
        if (headers.TryGetValue("Content-Length", out var length))
        {
            await CopyAsync(body, int.Parse(length, CultureInfo.InvariantCulture), deadline);
        }
        else if (headers.ContainsKey("Transfer-Encoding"))
        {
            while (true)
            {
                var chunk = int.Parse((await ReadLineAsync(deadline))!, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
                await CopyAsync(body, chunk, deadline);
                await ReadLineAsync(deadline);
                if (chunk == 0) break;
            }
        }
        else
        {
            await _input.CopyToAsync(body, deadline);
        }

        return body.ToArray();
    }

    private async Task CopyAsync(MemoryStream body, int length, CancellationToken deadline)
    {
        var bytes = new byte[length];
        await _input.ReadExactlyAsync(bytes, deadline);
        body.Write(bytes);
    }

    private async Task<string?> ReadLineAsync(CancellationToken deadline)
    {
        var line = new StringBuilder();
        while (true)
        {
            var b = await ReadByteAsync(deadline);
            if (b < 0) return null;
            if (b == '\n') return line.ToString().TrimEnd('\r');
            line.Append((char)b);
        }
    }

    private async ValueTask<int> ReadByteAsync(CancellationToken deadline)
    {
        var one = new byte[1];
        return await _input.ReadAsync(one, deadline) == 0 ? -1 : one[0];
    }
}
