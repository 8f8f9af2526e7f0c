using System.Net;
using System.Net.Sockets;
using CComet.Web.Tests.Docs;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;

namespace CComet.Web.Tests.EndToEnd.Deploy;

/// <summary><c>deploy/nginx-auth.conf</c>: an application decides who may follow, and only its own servers publish.</summary>
public sealed class AuthRequestTests
{
    [Theory]
    [InlineData("/sub?channel=mine&wait=0", HttpStatusCode.OK)]
    [InlineData("/sub?channel=other&wait=0", HttpStatusCode.Forbidden)]
    [InlineData("/sub?channel=mine&channel=other&wait=0", HttpStatusCode.Forbidden)]
    [InlineData("/sub?channel=mine&ch%61nnel=other&wait=0", HttpStatusCode.Forbidden)]
    [InlineData("/sse?channel=other", HttpStatusCode.Forbidden)]
    [InlineData("/stream?channel=other", HttpStatusCode.Forbidden)]
    [InlineData("/ws?channel=mine", HttpStatusCode.Forbidden)]
    [InlineData("/sign?channel=mine", HttpStatusCode.Forbidden)]
    [InlineData("/pub?channel=other&msg=1", HttpStatusCode.OK)]
    [InlineData("/SUB?channel=other&wait=0", HttpStatusCode.NotFound)]
    [InlineData("/%73ub?channel=other&wait=0", HttpStatusCode.Forbidden)]
    [InlineData("//sub?channel=other&wait=0", HttpStatusCode.Forbidden)]
    public async Task Requests_pass_as_the_application_decides(string path, HttpStatusCode expected)
    {
        await using var server = await LiveServer.StartAsync();
        await using var application = await StartApplicationAsync();
        await using var nginx = await Guard.StartAsync(server.Port, new Uri(application.Urls.Single()).Port);
        using var answer = await nginx.Http.GetAsync(new Uri($"{nginx.Http.BaseAddress!.OriginalString}{path}"));
        Assert.Equal(expected, answer.StatusCode);
    }

    [Fact]
    public async Task Stream_that_is_let_in_is_passed_on_as_it_comes()
    {
        await using var server = await LiveServer.StartAsync();
        await using var application = await StartApplicationAsync();
        await using var nginx = await Guard.StartAsync(server.Port, new Uri(application.Urls.Single()).Port);
        using var stream = await OpenAnswer.GetAsync($"{nginx.Http.BaseAddress}stream?channel=mine");
        await stream.JsonAsync();
        await server.PublishAsync("mine", "hello");
        Assert.Equal("hello", (await stream.JsonAsync()).GetProperty("msg").GetString());
    }

    /// <summary>Limits hold for each address: a client that could say which it has would have them all.</summary>
    [Fact]
    public async Task Client_s_own_forwarding_headers_do_not_pass()
    {
        await using var server = await LiveServer.StartAsync("CComet:Proxies=127.0.0.1", "CComet:Limits:SubscribersPerAddress=1");
        await using var application = await StartApplicationAsync();
        await using var nginx = await Guard.StartAsync(server.Port, new Uri(application.Urls.Single()).Port);
        using var first = await FollowAsync(nginx, "192.0.2.1");
        using var second = await FollowAsync(nginx, "192.0.2.2");
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.TooManyRequests), (first.StatusCode, second.StatusCode));
    }

    /// <summary>A page of this server's own address may call, and that address is the one the client knows: nginx's.</summary>
    [Fact]
    public async Task Server_s_own_origin_is_that_of_nginx()
    {
        await using var server = await LiveServer.StartAsync("CComet:Proxies=127.0.0.1", "CComet:Cors:Origins=https://app.example");
        await using var application = await StartApplicationAsync();
        await using var nginx = await Guard.StartAsync(server.Port, new Uri(application.Urls.Single()).Port);
        foreach (var path in new[] { "sub?channel=mine&wait=0", "pub?channel=mine&msg=1" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{nginx.Http.BaseAddress}{path}"));
            request.Headers.Add("Origin", nginx.Http.BaseAddress!.GetLeftPart(UriPartial.Authority));
            using var answer = await nginx.Http.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    /// <summary>Opens a stream from an address that is no proxy's, and says in the headers that it is another's.</summary>
    private static async Task<HttpResponseMessage> FollowAsync(Guard nginx, string forged)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{nginx.Http.BaseAddress}stream?channel=mine"));
        request.Headers.Add("X-Forwarded-For", forged);
        return await nginx.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    /// <summary>Lets everybody follow the channel <c>mine</c>, and no other.</summary>
    private static async Task<WebApplication> StartApplicationAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls($"http://127.0.0.1:{Ports.Take()}");
        builder.Logging.ClearProviders();
        var application = builder.Build();
        application.MapGet("/ccomet-may", (HttpRequest request) =>
        {
            var uri = request.Headers["X-Original-URI"].ToString();
            var query = QueryHelpers.ParseQuery(uri[(uri.IndexOf('?', StringComparison.Ordinal) + 1)..]);
            return query.TryGetValue("channel", out var channels) && channels.All(channel => channel == "mine") ? Results.NoContent() : Results.StatusCode(StatusCodes.Status403Forbidden);
        });
        await application.StartAsync();
        return application;
    }

    /// <summary>nginx with a server block that includes the file, as its first lines say.</summary>
    private sealed class Guard : IAsyncDisposable
    {
        private readonly DirectoryInfo _folder;
        private readonly RunningProgram _program;

        private Guard(DirectoryInfo folder, RunningProgram program, int port)
        {
            _folder = folder;
            _program = program;

            // From another address than nginx, which is listed as a proxy.
            Http = new HttpClient(new SocketsHttpHandler { ConnectCallback = ConnectAsync }) { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        }

        public HttpClient Http { get; }

        public static async Task<Guard> StartAsync(int server, int application)
        {
            var folder = Directory.CreateTempSubdirectory("ccomet-auth-");
            var port = Ports.Take();
            var file = Path.Combine(folder.FullName, "nginx.conf");
            await File.WriteAllTextAsync(file, $$"""
                pid nginx.pid;
                events { }
                http {
                  access_log off;
                  client_body_temp_path client; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
                  upstream ccomet { server 127.0.0.1:{{server}}; }
                  upstream application { server 127.0.0.1:{{application}}; }
                  server {
                    listen 127.0.0.1:{{port}};
                    include {{Path.Combine(Documents.Root, "deploy", "nginx-auth.conf")}};
                    location / { return 404; }
                  }
                }
                """);
            var program = RunningProgram.Start("/usr/sbin/nginx", "nginx", null, "-p", folder.FullName, "-e", "stderr", "-c", file, "-g", "daemon off;");
            var pid = Path.Combine(folder.FullName, "nginx.pid");
            await Eventually.TrueAsync(() => program.HasExited || (File.Exists(pid) && new FileInfo(pid).Length > 0), "nginx runs");
            Assert.False(program.HasExited, $"nginx has ended: {program.Complaints}");
            return new Guard(folder, program, port);
        }

        private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            socket.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));
            await socket.ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }

        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            if (!_program.HasExited)
            {
                await _program.SignalAsync("TERM");
                await _program.ExitCodeAsync();
            }

            await _program.DisposeAsync();
            _folder.Delete(recursive: true);
        }
    }
}
