using System.Buffers.Text;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CComet.Bench.Load;

namespace CComet.Bench.Peers;

/// <summary>CComet in mode Token: subscribers each with a token of their own, or all with the ticket of one user; everyone may publish and subscribe.</summary>
internal sealed class CCometTokenPeer(string folder, string content, bool byTicket) : Peer
{
    private const string Issuer = "https://bench.example";
    private const string Audience = "ccomet";

    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);
    private static readonly byte[] Header = Encoding.ASCII.GetBytes("""{"alg":"HS256","typ":"JWT"}""");

    private readonly Dictionary<string, (string Ticket, DateTime At)> _tickets = [];
    private int _users;
    private int _port;

    public override string Name => byTicket ? "CComet by ticket" : "CComet by bearer";

    public override TimeSpan Settles => CCometPeer.SettleTime;

    public override async Task<Server> StartAsync()
    {
        _tickets.Clear();
        _users = 0;
        var server = await Server.StartAsync("dotnet", port =>
        [
            .. CCometPeer.Arguments(folder, content, port), "--CComet:Auth:Mode=Token",
            "--CComet:Auth:Rules:0:Who=anonymous", "--CComet:Auth:Rules:0:Verbs=publish,subscribe", "--CComet:Auth:Rules:0:Channels=*",
            $"--Authentication:Schemes:Bearer:ValidAudiences:0={Audience}", $"--Authentication:Schemes:Bearer:ValidIssuers:0={Issuer}",
            $"--Authentication:Schemes:Bearer:SigningKeys:0:Issuer={Issuer}", $"--Authentication:Schemes:Bearer:SigningKeys:0:Value={Convert.ToBase64String(Key)}",
        ]);
        _port = server.Port;
        return server;
    }

    /// <summary>A long poll without a credential, with a header that is as long as a bearer's.</summary>
    public static Subscription SubscribeWithHeader(string channel, Tally tally) => Poll(channel, "", $"X-Of-Another: Bearer {TokenOf("user")}\r\n", tally);

    public override Subscription Subscribe(Transport transport, string channel, Tally tally)
    {
        var credential = byTicket ? $"&ticket={TicketOf(channel)}" : "";
        var header = byTicket ? "" : $"Authorization: Bearer {TokenOf($"user{Interlocked.Increment(ref _users)}")}\r\n";
        return transport == Transport.Events
            ? new StreamClient(Get($"/sse?channel={channel}{credential}", header), tally)
            : Poll(channel, credential, header, tally);
    }

    private static PollClient Poll(string channel, string credential, string header, Tally tally) => new(
        Get($"/sub?channel={channel}{credential}", header),
        head => Get($"/sub?channel={channel}&cursor={Encoding.ASCII.GetString(Connection.Header(head, "CComet-Cursor: "u8))}{credential}", header),
        tally);

    private static string TokenOf(string user)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var claims = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object>
        {
            ["iss"] = Issuer,
            ["aud"] = Audience,
            ["sub"] = user,
            ["jti"] = user,
            ["iat"] = now,
            ["exp"] = now + 86_400,
            ["ccomet:subscribe"] = "*",
        });
        var signed = $"{Base64Url.EncodeToString(Header)}.{Base64Url.EncodeToString(claims)}";
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(Key, Encoding.ASCII.GetBytes(signed)))}";
    }

    /// <summary>One ticket for half a minute: it opens for a whole one, and as often as it is shown.</summary>
    private string TicketOf(string channel)
    {
        lock (_tickets)
        {
            if (_tickets.TryGetValue(channel, out var known) && DateTime.UtcNow - known.At < TimeSpan.FromSeconds(30)) return known.Ticket;
            using var http = new HttpClient();
            using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{IPAddress.Loopback}:{_port}/ticket") { Content = JsonContent.Create(new { channels = new[] { channel }, verb = "subscribe" }) };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TokenOf("user"));
            using var answer = http.Send(request).EnsureSuccessStatusCode();
            var ticket = JsonDocument.Parse(answer.Content.ReadAsStream()).RootElement.GetProperty("ticket").GetString()!;
            _tickets[channel] = (ticket, DateTime.UtcNow);
            return ticket;
        }
    }
}
