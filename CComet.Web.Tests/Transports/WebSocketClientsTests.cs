using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using CComet.Web.Tests.EndToEnd.Browser;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Transports;

/// <summary>WebSocket clients of others publish and receive.</summary>
public sealed class WebSocketClientsTests
{
    private const string Python = "/usr/bin/python3";

    [Fact]
    public async Task Client_of_dotnet_publishes_and_receives_even_when_it_offers_compression()
    {
        await using var server = await LiveServer.StartAsync();
        using var socket = new ClientWebSocket();
        socket.Options.DangerousDeflateOptions = new WebSocketDeflateOptions();
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{server.Port}/ws?channel=a"), CancellationToken.None);
        await TalkAsync(socket);
    }

    [Fact]
    public async Task WebSocket_opens_over_HTTP_2()
    {
        var folder = Directory.CreateTempSubdirectory("ccomet-tls-");
        try
        {
            using var certificate = NewCertificate();
            var file = Path.Combine(folder.FullName, "certificate.pfx");
            await File.WriteAllBytesAsync(file, certificate.Export(X509ContentType.Pfx, "test"));
            await using var server = await ServerProgram.StartAsync("https", $"--Kestrel:Certificates:Default:Path={file}", "--Kestrel:Certificates:Default:Password=test");
            using var handler = new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, given, _, _) => certificate.Equals(given) } };
            using var http = new HttpMessageInvoker(handler);
            using var socket = new ClientWebSocket();
            socket.Options.HttpVersion = HttpVersion.Version20;
            socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
            socket.Options.CollectHttpResponseDetails = true;
            await socket.ConnectAsync(new Uri($"wss://127.0.0.1:{server.Port}/ws?channel=a"), http, CancellationToken.None);
            Assert.Equal(HttpStatusCode.OK, socket.HttpStatusCode);
            await TalkAsync(socket);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Debians_python3_websockets_publishes_and_receives()
    {
        await using (var look = RunningProgram.Start(Python, "python3", null, "-c", "import websockets"))
            Assert.True(await look.ExitCodeAsync() == 0, "The module websockets is missing (Debian: apt-get install python3-websockets).");

        await using var server = await LiveServer.StartAsync();
        using var listener = await RawSocket.OpenAsync(server.Port, "channel=a");
        await listener.ElementsAsync();
        await using var python = RunningProgram.Start(
            Python, "python3", null, Path.Combine(Chromium.Root, "CComet.Web.Tests", "Transports", "python", "talk.py"), $"ws://127.0.0.1:{server.Port}/ws?channel=a", "a");
        var heard = (await listener.ElementsAsync()).Single();
        Assert.Equal(("from python", "snake"), (heard.GetProperty("msg").GetString(), heard.GetProperty("sname").GetString()));

        await server.PublishAsync("a", "enough", "alice");
        await python.SucceedAsync();
        var told = python.Lines.Select(l => JsonDocument.Parse(l).RootElement).Select(e => $"{e.GetProperty("type").GetString()} {e.GetProperty("seqid")}").ToList();
        Assert.Equal("CURSOR 0", told[0]);
        Assert.True(told.IndexOf("MSG 0") < told.IndexOf("MSG 1"));
        Assert.Equal(["CURSOR 0", "MSG 0", "MSG 1", "pub 0"], told.Order(StringComparer.Ordinal));
    }

    /// <summary>Receives the cursor, publishes, receives the receipt and the message, and closes in good order.</summary>
    private static async Task TalkAsync(ClientWebSocket socket)
    {
        Assert.Equal("CURSOR", (await ReceiveAsync(socket)).Single().GetProperty("type").GetString());
        await socket.SendAsync("""{"channel":"a","msg":"hello ☄","sname":"alice"}"""u8.ToArray(), WebSocketMessageType.Text, true, CancellationToken.None);
        var told = (await ReceiveAsync(socket)).Concat(await ReceiveAsync(socket)).ToDictionary(e => e.GetProperty("type").GetString()!);
        Assert.Equal(0, told["pub"].GetProperty("seqid").GetInt64());
        Assert.Equal("hello ☄", told["MSG"].GetProperty("msg").GetString());
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "that is all", CancellationToken.None);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
    }

    private static async Task<JsonElement[]> ReceiveAsync(ClientWebSocket socket)
    {
        var buffer = new byte[4096];
        using var deadline = new CancellationTokenSource(Patience.Limit);
        var result = await socket.ReceiveAsync(buffer, deadline.Token);
        Assert.True(result.EndOfMessage);
        return JsonSerializer.Deserialize<JsonElement[]>(Encoding.UTF8.GetString(buffer, 0, result.Count))!;
    }

    private static X509Certificate2 NewCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
