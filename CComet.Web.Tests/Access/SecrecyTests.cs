using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Access;

/// <summary>No token, ticket or text of a message is in the log or in a refusal, even where everything is logged; who was refused what is.</summary>
public sealed class SecrecyTests : IDisposable
{
    private const string Text = "what-ann-says-to-bob";

    private static readonly string[] Everything =
    [
        .. new[]
        {
            "Default", "Override:Microsoft", "Override:System", "Override:Microsoft.AspNetCore.Hosting.Diagnostics", "Override:Microsoft.AspNetCore.DataProtection",
            "Override:Microsoft.AspNetCore.DataProtection.KeyManagement.KeyRingProvider", "Override:Microsoft.AspNetCore.Server.Kestrel.BadRequests",
        }.Select(category => $"--Serilog:MinimumLevel:{category}=Verbose"),
        "--Serilog:WriteTo:0:Args:outputTemplate={Level} {Properties} {SourceContext}: {Message:lj}{NewLine}{Exception}",
        "--CComet:Limits:LogLinesPerSecond=1000000",
    ];

    private static readonly string[] Names = ["ticket", "token", "access_token", "jwt"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ccomet-secrecy-");
    private readonly List<string> _secrets = [Text, "eyJ"];
    private readonly ConcurrentQueue<string> _refusals = [];

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Log_and_refusals_have_no_token_ticket_or_text_and_the_audit_has_who_was_refused_what()
    {
        await using var server = ServerProcess.Start(
            [.. Everything, .. TokenServer.Settings.Select(s => $"--{s}"), "--CComet:Store:Kind=Sqlite", $"--CComet:Store:Path={_folder.FullName}/ccomet.db", "--CComet:Cors:Origins:0=https://app.example"]);
        using var http = await server.ClientAsync();
        var ann = Sign(new TestToken(DateTimeOffset.UtcNow).With("ccomet:publish", "room.*"));
        var expired = Sign(new TestToken(DateTimeOffset.UtcNow.AddHours(-2)));
        var admin = Sign(new TestToken(DateTimeOffset.UtcNow).With("sub", "op").With("ccomet:admin", "*"));
        var otherKey = Keep(new TestToken(DateTimeOffset.UtcNow).Sign(new byte[32]));
        var garbage = Keep("garbage-that-is-no-token");
        string[] wrong = [expired, otherKey, garbage, Keep(ann[..^3] + "AAA")];

        Assert.Equal(200, (await AskAsync(http, HttpMethod.Post, "/pub", ann, Asking.Body($$"""{"channel":"room.1","msg":"{{Text}}"}"""))).Status);
        Assert.Equal(200, (await AskAsync(http, HttpMethod.Get, $"/pub?channel=room.1&msg={Text}", ann)).Status);
        var (subscribe, publish) = (await TicketAsync(http, ann, "subscribe"), await TicketAsync(http, ann, "publish"));
        Assert.Equal(200, (await AskAsync(http, HttpMethod.Post, "/session", ann)).Status);
        Assert.Equal(204, (await AskAsync(http, HttpMethod.Delete, "/session", ann)).Status);

        string[] tickets = [subscribe, publish, Keep("ticket-that-was-never-given"), Keep(subscribe[..^3] + "AAA")];
        foreach (var path in (string[])["/sub?wait=0&seqid=0", "/sub?wait=0&seqid=0&callback=f", "/subscribe?seqid=0&callback=f", $"/pub?msg={Text}", $"/pub?msg={Text}&callback=f", $"/publish?msg={Text}&callback=f", "/sign?callback=f", "/sse?seqid=0", "/stream?seqid=0", "/nowhere?x"])
        {
            foreach (var channel in (string[])["room.1", "hall"])
            {
                // At once, as the refusal of a script's poll is held back for a second.
                var target = $"{path}&channel={channel}";
                await Task.WhenAll(
                [
                    .. tickets.Select(ticket => BeginAsync(http, $"{target}&ticket={ticket}")),
                    .. wrong.Select(token => BeginAsync(http, target, token)),
                    BeginAsync(http, target),
                    BeginAsync(http, target, ann),
                    BeginAsync(http, target, cookie: ann),
                    BeginAsync(http, target, cookie: expired),
                    .. Names.Select(name => BeginAsync(http, $"{target}&{name}={ann}")),
                ]);
            }
        }

        foreach (var token in wrong)
        {
            await AskAsync(http, HttpMethod.Post, "/session", token);
            await AskAsync(http, HttpMethod.Post, "/session", null, Asking.Body(new JsonObject { ["token"] = token }.ToJsonString()));
            await AskAsync(http, HttpMethod.Post, "/ticket", token, Asking.Body("""{"channels":["room.1"],"verb":"subscribe"}"""));
            await AskAsync(http, HttpMethod.Post, "/admin/revoke", token, Asking.Body("""{"sub":"bob"}"""));
        }

        await AskAsync(http, HttpMethod.Post, "/ticket", ann, Asking.Body("""{"channels":["hall"],"verb":"subscribe"}"""));
        await AskSocketsAsync(http.BaseAddress!.Port, [ann, .. wrong], tickets);
        await AskWronglyAsync(http.BaseAddress.Port, ann, subscribe);
        await AskAsync(http, HttpMethod.Post, "/admin/revoke", ann, Asking.Body("""{"sub":"ann"}"""));
        Assert.Equal(200, (await AskAsync(http, HttpMethod.Post, "/admin/revoke", admin, Asking.Body("""{"sub":"ann"}"""))).Status);
        Assert.Equal(401, (await AskAsync(http, HttpMethod.Get, "/sub?channel=room.1&wait=0", ann)).Status);
        server.Terminate();
        await server.ExitAsync();

        // All is logged, or nothing is protected.
        Assert.Contains(server.Output, line => line.Contains("Microsoft.AspNetCore.Hosting.Diagnostics: Request starting", StringComparison.Ordinal));
        foreach (var line in server.Output.Concat(server.Errors).Concat(_refusals))
            Assert.All(_secrets, secret => Assert.False(line.Contains(secret, StringComparison.Ordinal), $"'{secret}' is in: {line}"));
        var audit = server.Output.Where(line => line.Contains("CComet.Audit: ", StringComparison.Ordinal)).ToList();
        foreach (var said in (string[])["Denied (403) ann at ", ": Subscribe hall: channel: you have no right to subscribe to 'hall'", ": Publish hall: ", ": Admin ", ", by bearer: ", ", by cookie: ", ", by ticket: ", ", by auth frame: ", "Admin op at ", "revoke sub ann"])
            Assert.Contains(audit, line => line.Contains(said, StringComparison.Ordinal));
        Assert.Contains(server.Output, line => line.Contains("RequestLog: HTTP GET /sub responded 401", StringComparison.Ordinal));
    }

    private string Sign(TestToken token) => Keep(token.Sign(TokenServer.Key));

    /// <summary>Takes note of what may be nowhere: a text, and its parts.</summary>
    private string Keep(string secret)
    {
        _secrets.Add(secret);
        if (secret.Contains('.', StringComparison.Ordinal)) _secrets.AddRange(secret.Split('.'));
        return secret;
    }

    private async Task<string> TicketAsync(HttpClient http, string token, string verb)
    {
        var answer = await AskAsync(http, HttpMethod.Post, "/ticket", token, Asking.Body($$"""{"channels":["room.1"],"verb":"{{verb}}"}"""));
        return Keep(answer.Json.GetProperty("ticket").GetString()!);
    }

    private async Task<Answer> AskAsync(HttpClient http, HttpMethod method, string path, string? token, HttpContent? body = null)
    {
        var answer = await http.AskAsync(method, path, body, headers => headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token));
        if (answer.Status >= 400) KeepRefusal(answer.Text + string.Join('\n', answer.Headers));
        return answer;
    }

    /// <summary>Asks, and reads a refusal to its end; of a stream, no more than its beginning.</summary>
    private async Task BeginAsync(HttpClient http, string path, string? token = null, string? cookie = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (cookie is not null) Assert.True(request.Headers.TryAddWithoutValidation("Cookie", $"__Host-ccomet={cookie}"));
        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (!answer.IsSuccessStatusCode) KeepRefusal(await answer.Content.ReadAsStringAsync() + answer.Headers);
    }

    private async Task AskSocketsAsync(int port, string[] tokens, string[] tickets)
    {
        foreach (var channel in (string[])["room.1", "hall"])
        {
            foreach (var ticket in tickets)
            {
                using var socket = await RawSocket.OpenAsync(port, $"channel={channel}&ticket={ticket}");
                KeepRefusal(await socket.ElementsAsync());
            }

            foreach (var token in tokens)
            {
                using var socket = await RawSocket.OpenAsync(port, $"channel={channel}");
                await socket.SendJsonAsync(new { type = "auth", token });
                KeepRefusal(await socket.ElementsAsync());
                var (refused, head) = await RawSocket.ShakeHandsAsync(port, $"channel={channel}", [.. RawSocket.Upgrade, $"Authorization: Bearer {token}"]);
                refused.Dispose();
                KeepRefusal(head);
            }
        }

        // In place, behind one that holds; and a first frame that is none.
        using var renewed = await RawSocket.OpenAsync(port, "channel=room.1", $"Authorization: Bearer {tokens[0]}");
        await renewed.ElementsAsync();
        await renewed.SendJsonAsync(new { channel = "hall", msg = Text });
        KeepRefusal(await renewed.ElementsAsync());
        await renewed.SendJsonAsync(new { type = "auth", token = tokens[1] });
        KeepRefusal(await renewed.ElementsAsync());
        using var other = await RawSocket.OpenAsync(port, "channel=room.1");
        await other.SendJsonAsync(new { channel = "room.1", msg = Text });
        KeepRefusal(await other.ElementsAsync());
    }

    /// <summary>What the web server cannot read it tells as it came.</summary>
    private async Task AskWronglyAsync(int port, string token, string ticket)
    {
        foreach (var request in (string[])[$"GET /sub?ticket={ticket} HTTP/7.7\r\n\r\n", $"GET /sub?t=1 HTTP/1.1\r\nHost: a\r\n{token} {ticket}\r\n\r\n", $"GET /sub?msg={Text}\u0001 HTTP/1.1\r\nHost: a\r\n\r\n", $"GET sub?ticket={ticket} HTTP/1.1\r\nHost: a\r\n\r\n"])
        {
            using var client = new System.Net.Sockets.TcpClient();
            await client.ConnectAsync("127.0.0.1", port);
            await using var stream = client.GetStream();
            await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(request));
            client.Client.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            using var reader = new StreamReader(stream);
            var answer = await reader.ReadToEndAsync();
            Assert.Matches("^($|HTTP/1.1 (4|505))", answer.Split('\r')[0]);
            KeepRefusal(answer);
        }
    }

    private void KeepRefusal(JsonElement[] elements)
    {
        if (elements[0].GetProperty("type").GetString() is "401" or "403") KeepRefusal(elements[0].ToString());
    }

    private void KeepRefusal(string text) => _refusals.Enqueue(text);
}
