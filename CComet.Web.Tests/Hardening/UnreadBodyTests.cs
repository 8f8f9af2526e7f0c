using CComet.Dialects.Native;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hardening;

/// <summary>Bodies that are not read: over the limit of a request, of unknown length, sent where one belongs and where none does.</summary>
public sealed class UnreadBodyTests
{
    /// <summary>The web server closes such a connection behind the answer: a client that is not told sends its next request into it, and loses it.</summary>
    [Theory]
    [InlineData("POST /pub?channel=a", 413)]
    [InlineData("POST /sign?channel=a", 413)]
    [InlineData("GET /pub?channel=a&msg=m", 200)]
    [InlineData("GET /sub?channel=a&wait=0", 200)]
    [InlineData("PUT /pub?channel=a", 405)]
    [InlineData("POST /nowhere", 404)]
    [InlineData("POST /js/..%2fappsettings.json", 404)]
    [InlineData("GET /health/ready", 200)]
    [InlineData("GET /chat.html", 200)]
    public async Task Answer_to_a_request_whose_body_is_over_the_limit_is_the_connection_s_last_and_says_so(string target, int status)
    {
        await using var server = await LiveServer.StartAsync();
        using var connection = await RawHttp.ConnectAsync(server.Port);
        await connection.SendAsync($"{target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: {WireLimits.MaxBodyBytes(new LimitOptions()) + 2}\r\n\r\n");
        var answer = await connection.ReadAsync() ?? throw new InvalidDataException("There is no answer.");
        Assert.Equal((status, "close"), (answer.Status, answer.Header("Connection")));
    }

    /// <summary>Such a body may be over the limit, which shows when the answer has been given.</summary>
    [Theory]
    [InlineData("POST /pub?channel=a&id=b&id=c", 400)]
    [InlineData("GET /pub?channel=a&msg=m", 200)]
    [InlineData("GET /sub?channel=a&wait=0", 200)]
    [InlineData("POST /sub?channel=a", 405)]
    [InlineData("POST /nowhere", 404)]
    public async Task Answer_to_a_chunked_body_that_is_not_read_says_that_it_is_the_connection_s_last(string target, int status)
    {
        await using var server = await LiveServer.StartAsync();
        using var connection = await RawHttp.ConnectAsync(server.Port);
        await connection.SendAsync($"{target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nm\r\n");
        var answer = await connection.ReadAsync() ?? throw new InvalidDataException("There is no answer.");
        Assert.Equal((status, "close"), (answer.Status, answer.Header("Connection")));
    }

    [Fact]
    public async Task Answer_to_a_chunked_body_that_was_read_keeps_the_connection()
    {
        await using var server = await LiveServer.StartAsync();
        using var connection = await RawHttp.ConnectAsync(server.Port);
        for (var i = 0; i < 2; i++)
        {
            await connection.SendAsync("POST /pub?channel=a HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nm\r\n0\r\n\r\n");
            var answer = await connection.ReadAsync() ?? throw new InvalidDataException("There is no answer.");
            Assert.Equal((200, ""), (answer.Status, answer.Header("Connection") ?? ""));
        }
    }

    [Fact]
    public async Task Answer_to_a_body_within_the_limit_keeps_the_connection()
    {
        await using var server = await LiveServer.StartAsync();
        using var connection = await RawHttp.ConnectAsync(server.Port);
        for (var i = 0; i < 2; i++)
        {
            await connection.SendAsync($"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n{new string('x', 100_000)}");
            var answer = await connection.ReadAsync() ?? throw new InvalidDataException("There is no answer.");
            Assert.Equal((404, ""), (answer.Status, answer.Header("Connection") ?? ""));
        }
    }
}
