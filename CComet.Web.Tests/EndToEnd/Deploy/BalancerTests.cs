using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.EndToEnd.Deploy;

/// <summary><c>deploy/nginx.conf</c> before nodes that take every request and break off without an answer.</summary>
public sealed class BalancerTests
{
    [Theory]
    [InlineData("POST", "/pub?channel=a&msg=1", 1)]
    [InlineData("POST", "/pub?channel=a&msg=1&id=m", 1)]
    [InlineData("GET", "/pub?channel=a&msg=1", 1)]
    [InlineData("GET", "/pub?id=&channel=a&msg=1", 1)]
    [InlineData("GET", "/pub?channel=a&msg=id=1", 1)]
    [InlineData("GET", "/sign?channel=a&id=m", 1)]
    [InlineData("GET", "/pub?channel=a&msg=1&id=m", 2)]
    [InlineData("GET", "/sub?channel=a", 2)]
    [InlineData("GET", "/sse?channel=a", 2)]
    public async Task Request_that_a_node_may_have_stored_is_not_sent_to_the_other(string method, string path, int times)
    {
        using var first = new BreakingNode();
        using var second = new BreakingNode();
        await using var balancer = await Proxy.StartAsync("nginx.conf", first.Port, second.Port);
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(new HttpMethod(method), $"{balancer.Url}{path}");
        using var answer = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.BadGateway, answer.StatusCode);
        Assert.Equal(Enumerable.Repeat($"{method} {path} HTTP/1.1", times), first.Requests.Concat(second.Requests));
    }

    [Fact]
    public async Task Request_that_could_not_be_sent_to_a_node_goes_to_the_other()
    {
        using var node = new BreakingNode();
        await using var balancer = await Proxy.StartAsync("nginx.conf", Ports.Take(), node.Port);
        using var http = new HttpClient();
        using var answer = await http.PostAsync(new Uri($"{balancer.Url}/pub?channel=a"), new StringContent("1"));
        Assert.Equal("POST /pub?channel=a HTTP/1.1", Assert.Single(node.Requests));
    }

    [Fact]
    public async Task Node_that_lists_the_balancer_sees_each_clients_own_address_and_nothing_that_it_made_up()
    {
        var seen = new ConcurrentQueue<string>();
        await using var node = await LiveServer.StartAsync(0, new CCometFactory("CComet:Proxies=127.0.0.1")
        {
            OnRequest = context => context.Response.OnStarting(() =>
            {
                seen.Enqueue($"{context.Connection.RemoteIpAddress} {context.Request.Scheme}://{context.Request.Host}{context.Request.PathBase}");
                return Task.CompletedTask;
            }),
        });
        await using var balancer = await Proxy.StartAsync("nginx.conf", node.Port, node.Port);
        using var http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancellation) =>
            {
                // Another address of this machine, as another client has.
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.7"), 0));
                await socket.ConnectAsync(context.DnsEndPoint, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{balancer.Url}/pub?channel=a") { Content = new StringContent("1") };
        request.Headers.Add("X-Forwarded-For", "203.0.113.7");
        request.Headers.Add("X-Forwarded-Host", "evil.example");
        request.Headers.Add("X-Forwarded-Prefix", "/evil");
        using var answer = await http.SendAsync(request);
        Assert.Equal($"127.0.0.7 {balancer.Url}", Assert.Single(seen));
    }

    /// <summary>Reads a request, and hangs up.</summary>
    private sealed class BreakingNode : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly ConcurrentQueue<string> _requests = new();
        private readonly Task _accepting;

        public BreakingNode()
        {
            _listener.Start();
            _accepting = Task.Run(AcceptAllAsync);
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        /// <summary>The first line of each.</summary>
        public IEnumerable<string> Requests => _requests;

        public void Dispose()
        {
            _listener.Dispose();
            _accepting.Wait();
        }

        private async Task AcceptAllAsync()
        {
            try
            {
                while (true)
                {
                    using var client = await _listener.AcceptTcpClientAsync();
                    using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
                    _requests.Enqueue(await reader.ReadLineAsync() ?? "");
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }
}
