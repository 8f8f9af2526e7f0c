using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace CComet.Web.Tests.Http;

/// <summary>Over TLS the server speaks HTTP/2: any number of waiting polls share one connection.</summary>
public sealed class Http2Tests : IDisposable
{
    private readonly CCometFactory _factory = new("CComet:Poll:Timeout=00:10:00");
    private readonly X509Certificate2 _certificate = NewCertificate();
    private readonly HttpClient _http;
    private int _connections;

    public Http2Tests()
    {
        _factory.UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(_certificate)));
        _factory.StartServer();
        var address = _factory.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancellation) =>
            {
                Interlocked.Increment(ref _connections);
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(context.DnsEndPoint, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
            SslOptions = { RemoteCertificateValidationCallback = (_, presented, _, _) => presented!.GetCertHashString() == _certificate.GetCertHashString() },
        };
        _http = new HttpClient(handler)
        {
            BaseAddress = new Uri(address),
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }

    public void Dispose()
    {
        _http.Dispose();
        _factory.Dispose();
        _certificate.Dispose();
    }

    [Fact]
    public async Task Many_polls_and_a_publisher_share_one_connection()
    {
        await _http.PublishAsync("a", "first");
        var polls = Enumerable.Range(0, 50).Select(_ => _http.AskAsync("/sub?channel=a")).ToArray();
        await Eventually.TrueAsync(() => _factory.Hub.Find("a")?.Waiting == 50, "Parking of every poll");
        await _http.PublishAsync("a", "é😀");
        foreach (var poll in polls)
        {
            Assert.Equal("é😀", Assert.Single((await poll).Elements).GetProperty("msg").GetString());
            Assert.Null((await poll).Header("Server"));
        }

        Assert.Equal(1, _connections);
    }

    /// <summary>By GOAWAY: what the connection carries goes on, and the next request makes another one.</summary>
    [Fact]
    public async Task Answer_of_a_draining_server_is_the_last_that_its_connection_begins()
    {
        await _http.PublishAsync("a", "first");
        var poll = _http.AskAsync("/sub?channel=a");
        await Eventually.TrueAsync(() => _factory.Hub.Find("a")?.Waiting == 1, "Parking of the poll");
        _factory.Hub.BeginDrain();
        await _http.PublishAsync("b", "on the connection of before");
        await Eventually.TrueAsync(
            () =>
            {
                _http.PublishAsync("b", "on another").GetAwaiter().GetResult();
                return _connections > 1;
            },
            "Another connection");
        await _http.PublishAsync("a", "second");
        var answer = await poll;
        Assert.Equal("second", Assert.Single(answer.Elements).GetProperty("msg").GetString());
        Assert.Null(answer.Header("Connection"));
    }

    [Fact]
    public async Task Poll_that_is_given_up_frees_its_subscriber_and_leaves_the_others()
    {
        using var cut = new CancellationTokenSource();
        var given = _http.GetAsync(new Uri("/sub?channel=a", UriKind.Relative), cut.Token);
        var kept = _http.AskAsync("/sub?channel=a");
        await Eventually.TrueAsync(() => _factory.Hub.Find("a")?.Waiting == 2, "Parking of both");
        await cut.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
        await Eventually.TrueAsync(() => _factory.Hub.SubscriberCount == 1, "Freeing of the one given up");
        await _http.PublishAsync("a", "m");
        Assert.Single((await kept).Elements);
    }

    [Fact]
    public async Task Message_at_its_limit_passes_by_body_and_a_large_answer_comes_whole()
    {
        var msg = new string('€', (64 << 10) / 3);
        for (var i = 0; i < 15; i++) await _http.AskAsync("/pub?channel=a", Asking.Body(msg, "text/plain"));
        var kept = await _http.KeptAsync("a");
        Assert.Equal(15, kept.Length);
        Assert.All(kept, m => Assert.Equal(msg, m));
    }

    [Theory]
    [InlineData("/sse", 1)]
    [InlineData("/stream", 1)]
    [InlineData("/sse", 2)]
    public async Task Stream_over_TLS_writes_through_the_pipes(string path, int version)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{path}?channel=a") { Version = new Version(version, version == 1 ? 1 : 0), VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var body = new StreamReader(await answer.Content.ReadAsStreamAsync());
        for (var i = 0; i < 3; i++)
        {
            await Eventually.TrueAsync(() => _factory.Hub.Find("a")?.Waiting == 1, "Following");
            await _http.PublishAsync("a", $"m{i}");
            string? line;
            while ((line = await body.ReadLineAsync()) is not null && !line.Contains("\"MSG\"", StringComparison.Ordinal))
            {
            }

            Assert.Contains($"\"m{i}\"", line, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Poll_that_waits_takes_a_window_of_what_its_client_sends_on_and_leaves_the_others_theirs()
    {
        using var body = new EndlessBody();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/sub?channel=a") { Content = body, Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        var waiting = _http.SendAsync(request);
        await Eventually.TrueAsync(() => _factory.Hub.Find("a")?.Waiting == 1 && body.Sent >= 60_000, "Filling of the window");
        await _http.PublishAsync("b", "beside it");
        await _http.PublishAsync("a", "m");
        using var answer = await waiting;
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.InRange(body.Sent, 60_000, 128 << 10);
        Assert.Equal(1, _connections);
    }

    private static X509Certificate2 NewCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    /// <summary>A body that goes on for as long as it is taken.</summary>
    private sealed class EndlessBody : HttpContent
    {
        private long _sent;

        /// <summary>How much was taken, in bytes.</summary>
        public long Sent => Volatile.Read(ref _sent);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            var piece = new byte[1000];
            while (true)
            {
                await stream.WriteAsync(piece, cancellationToken);
                await stream.FlushAsync(cancellationToken);
                Interlocked.Add(ref _sent, piece.Length);
            }
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override bool TryComputeLength(out long length)
        {
            length = -1;
            return false;
        }
    }
}
