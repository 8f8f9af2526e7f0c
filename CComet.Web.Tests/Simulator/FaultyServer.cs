using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CComet.Web.Tests.Simulator;

/// <summary>A server of server-sent events, of one channel, that breaks the promise as it is told to.</summary>
internal sealed class FaultyServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<int, IEnumerable<int>> _tell;
    private readonly List<StreamWriter> _streams = [];
    private readonly Lock _lock = new();
    private int _next;

    /// <param name="tell">Gives which seqids every stream is told when the one given is published; the truth is that one alone.</param>
    public FaultyServer(Func<int, IEnumerable<int>> tell)
    {
        _tell = tell;
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var connection = client;
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        await using var writer = new StreamWriter(client.GetStream(), Encoding.ASCII) { AutoFlush = true };
        try
        {
            while (await reader.ReadLineAsync() is { } request)
            {
                var length = 0;
                while (await reader.ReadLineAsync() is { Length: > 0 } header)
                {
                    if (header.StartsWith("Content-Length:", StringComparison.Ordinal)) length = int.Parse(header[15..], CultureInfo.InvariantCulture);
                }

                if (length > 0) await reader.ReadBlockAsync(new char[length]);
                Answer(request, writer);
            }
        }
        catch (IOException)
        {
            // The client has gone.
        }
    }

    private void Answer(string request, StreamWriter writer)
    {
        lock (_lock)
        {
            if (request.StartsWith("GET /sse", StringComparison.Ordinal))
            {
                writer.Write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nid: e:0\n\n");
                _streams.Add(writer);
                return;
            }

            var body = "";
            if (request.StartsWith("POST /pub", StringComparison.Ordinal))
            {
                var seqid = _next++;
                foreach (var told in _tell(seqid))
                {
                    foreach (var stream in _streams) stream.Write($"data: {{\"type\":\"MSG\",\"msg\":\"0\",\"seqid\":{told}}}\n\n");
                }

                body = $"[{{\"type\":\"pub\",\"epoch\":\"e\",\"seqid\":{seqid}}}]";
            }

            writer.Write($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        }
    }
}
