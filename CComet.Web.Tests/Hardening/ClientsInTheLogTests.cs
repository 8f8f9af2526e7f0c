using CComet.Web.Hosting;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hardening;

/// <summary>Attack: requests that end in the middle, or are none, to fill the log with stack traces and long lines.</summary>
public sealed class ClientsInTheLogTests
{
    private const string Last = "/nowhere/last";

    /// <summary>What a line has beside the texts of its values.</summary>
    private const int RestOfLine = 200;

    [Fact]
    public async Task Bodies_that_break_off_and_garbage_write_no_warning_and_no_stack_trace()
    {
        await using var server = ServerProcess.Start("--CComet:Limits:LogLinesPerSecond=1000000");
        using var http = await server.ClientAsync();
        var port = http.BaseAddress!.Port;
        var expected = 0;
        foreach (var target in new[] { "/pub", "/pub?channel=a&callback=f", "/sign", "/nowhere" })
        {
            foreach (var type in new[] { "application/json", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=b" })
            {
                foreach (var (framing, body) in new[] { ("Content-Length: 1000", "{\"a"), ("Transfer-Encoding: chunked", "5\r\n{\"a"), ("Transfer-Encoding: chunked", "zz\r\n{\"a") })
                {
                    foreach (var isReset in new[] { true, false })
                    {
                        var head = $"POST {target} HTTP/1.1\r\nHost: x\r\nContent-Type: {type}\r\n{framing}\r\n";
                        await SendAndLeaveAsync(port, $"{head}\r\n", body, isReset);
                        await SendAndLeaveAsync(port, $"{head}Expect: 100-continue\r\n\r\n", body, isReset, isAwaited: true);
                        expected += 2;
                    }
                }
            }
        }

        foreach (var garbage in new[] { "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03abcdef", new string('\0', 100), "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" })
        {
            foreach (var isReset in new[] { true, false }) await SendAndLeaveAsync(port, garbage, "", isReset);
        }

        // Garbage has no line; and who is reset at once may not have been read.
        await Eventually.TrueAsync(() => server.Output.Count(l => l.Contains("HTTP POST", StringComparison.Ordinal)) >= expected / 2, "The lines of the requests");
        await http.AskAsync(Last);
        await Eventually.TrueAsync(() => server.Output.Any(l => l.Contains(Last, StringComparison.Ordinal)), "The last line");
        server.Terminate();
        Assert.Equal(0, await server.ExitAsync());
        Assert.All(server.Output.SkipWhile(l => !l.Contains("Application started", StringComparison.Ordinal)), l => Assert.Matches(@"^\d\d:\d\d:\d\d\.\d+ INF ", l));
        Assert.Empty(server.Errors);
    }

    [Fact]
    public async Task Long_path_and_long_method_do_not_make_long_lines()
    {
        await using var server = ServerProcess.Start();
        using var http = await server.ClientAsync();
        using var connection = await RawHttp.ConnectAsync(http.BaseAddress!.Port);
        Assert.Equal(404, (await connection.GetAsync("/" + new string('a', 200_000))).Status);
        await connection.SendAsync($"{new string('A', 100_000)} /x HTTP/1.1\r\nHost: x\r\n\r\n");
        Assert.Equal(404, (await connection.ReadAsync())!.Status);

        // A request's line is written once it has been answered, and so may be behind that of a later one on another connection.
        await server.LineAsync("a…[200001]");
        await server.LineAsync("A…[100000]");
        Assert.All(server.Output, l => Assert.InRange(l.Length, 0, LogQueue.MaxTextLength + RestOfLine));
    }

    /// <summary>Sends a head and the beginning of a body, and goes.</summary>
    /// <param name="port">Where to.</param>
    /// <param name="head">The head.</param>
    /// <param name="body">What comes of the body.</param>
    /// <param name="isReset">Whether the connection ends by a reset.</param>
    /// <param name="isAwaited">Whether the body is sent once the server asks for it, byte by byte: it has read the first, and waits for more, when the connection ends.</param>
    private static async Task SendAndLeaveAsync(int port, string head, string body, bool isReset, bool isAwaited = false)
    {
        using var connection = await RawHttp.ConnectAsync(port);
        try
        {
            await connection.SendAsync(head);
            if (isAwaited) await connection.ReadAsync(bodiless: true);
            foreach (var part in isAwaited ? body.Select(c => c.ToString()) : [body]) await connection.SendAsync(part);
        }
        catch (IOException)
        {
            // The server refused it first.
        }

        if (isReset) connection.Reset();
    }
}
