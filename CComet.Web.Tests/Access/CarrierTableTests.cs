using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Access;

/// <summary>Every door takes a credential by every carrier, or refuses it, as the contract says, and names the reason.</summary>
public sealed class CarrierTableTests(CarrierTableTests.Server shared) : IClassFixture<CarrierTableTests.Server>
{
    private const string Own = "room.1";
    private const string Origin = "https://app.example";

    /// <summary>How each door is asked: path and query behind the channel, whether it is a script, whether it publishes, and by which method.</summary>
    private static readonly Dictionary<string, (string Path, bool IsScript, bool Publishes, bool IsPost)> Doors = new()
    {
        ["sub"] = ("/sub?wait=0", false, false, false),
        ["sub as script"] = ("/sub?wait=0&callback=f", true, false, false),
        ["sse"] = ("/sse?", false, false, false),
        ["stream"] = ("/stream?", false, false, false),
        ["ws"] = ("/ws?", false, false, false),
        ["pub by POST"] = ("/pub?msg=m", false, true, true),
        ["pub by GET"] = ("/pub?msg=m", false, true, false),
        ["pub as script"] = ("/pub?msg=m&callback=f", true, true, false),
        ["sign by POST"] = ("/sign?", false, true, true),
        ["sign as script"] = ("/sign?callback=f", true, true, false),
        ["2014 subscribe"] = ("/subscribe?wait=0&seqid=0&callback=f", true, false, false),
        ["2014 publish"] = ("/publish?msg=m&callback=f", true, true, false),
    };

    private static readonly string[] Credentials = ["none", "expired", "audience", "alg none", "confusion", "revoked key", "other channel", "right"];

    public static TheoryData<string> DoorNames => [.. Doors.Keys];

    /// <summary>The rows of a door are asked at once, as a refused poll of a script is held back for a second.</summary>
    [Theory]
    [MemberData(nameof(DoorNames))]
    public async Task Door_answers_each_credential_by_each_carrier_as_the_table_says(string door)
    {
        string[] carriers = ["bearer", "cookie", "ticket", .. door == "ws" ? ["frame"] : (string[])[]];
        var rows = carriers.SelectMany(carrier => Credentials, (carrier, credential) => (carrier, credential)).ToList();
        var answers = await Task.WhenAll(rows.Select(row => AskAsync(door, row.carrier, row.credential)));
        Assert.Equal(rows.Select(row => $"{row.carrier}, {row.credential}: {Expect(door, row.carrier, row.credential)}"), rows.Zip(answers, (row, answer) => $"{row.carrier}, {row.credential}: {answer.Code}"));
        Assert.All(answers.Where(answer => answer.Code != "200"), answer => Assert.Matches("[a-z]{4}", answer.Reason));
    }

    private static string Expect(string door, string carrier, string credential)
    {
        var (_, isScript, publishes, isPost) = Doors[door];
        var counts = carrier switch
        {
            "bearer" => !isScript,
            "cookie" => !isScript && !(publishes && !isPost),
            _ => true,
        };
        if (!counts || credential is not ("other channel" or "right")) return "401";
        return credential == "right" ? "200" : "403";
    }

    private async Task<(string Code, string Reason)> AskAsync(string door, string carrier, string credential)
    {
        var (path, isScript, _, isPost) = Doors[door];
        var tokens = credential == "none" ? [] : await CredentialsAsync(door, carrier, credential);
        var target = $"{path}&channel={(credential == "other channel" ? "hall" : Own)}";
        if (carrier == "ticket") target += string.Concat(tokens.Select(ticket => $"&ticket={ticket}"));
        string[] headers = [$"Origin: {Origin}"];
        if (carrier == "bearer" && tokens.Length > 0) headers = [.. headers, $"Authorization: Bearer {tokens[0]}"];
        if (carrier == "cookie" && tokens.Length > 0) headers = [.. headers, $"Cookie: __Host-ccomet={tokens[0]}"];
        if (door == "ws") return await AskSocketAsync(target[(target.IndexOf('?', StringComparison.Ordinal) + 1)..], headers, carrier == "frame" && tokens.Length > 0 ? tokens[0] : null);
        if (door is "sse" or "stream") return await AskStreamAsync(target, headers);
        var answer = await shared.Tokens.Http.AskAsync(isPost ? HttpMethod.Post : HttpMethod.Get, target, null, request =>
        {
            foreach (var header in headers.Select(h => h.Split(": ", 2))) request.TryAddWithoutValidation(header[0], header[1]);
        });
        if (!isScript) return (answer.Status.ToString(CultureInfo.InvariantCulture), answer.Status == 200 ? "" : answer.Json.GetProperty("detail").GetString()!);
        if (answer.Text is "/**/" or "/**/\n") return ("200", "");
        var first = answer.JsonpElements("f")[0];
        var type = first.GetProperty("type").GetString()!;
        return type.Length == 3 && char.IsAsciiDigit(type[0]) ? (type, first.GetProperty("reason").GetString()!) : ("200", "");
    }

    private async Task<(string Code, string Reason)> AskStreamAsync(string target, string[] headers)
    {
        using var stream = await OpenAnswer.GetAsync(shared.Tokens.Live.Url + target, [.. headers.Select(h => h.Split(": ", 2)).Select(h => (h[0], h[1]))]);
        if (!stream.Head.IsSuccessStatusCode) return (((int)stream.Head.StatusCode).ToString(CultureInfo.InvariantCulture), await stream.RestAsync());
        if (target.StartsWith("/stream", StringComparison.Ordinal)) return ("200", "");
        return await stream.EventAsync() is { Event: "refused" } refused
            ? (refused.Data.GetProperty("code").GetInt32().ToString(CultureInfo.InvariantCulture), refused.Data.GetProperty("reason").GetString()!)
            : ("200", "");
    }

    private async Task<(string Code, string Reason)> AskSocketAsync(string query, string[] headers, string? frame)
    {
        var (socket, head) = await RawSocket.ShakeHandsAsync(shared.Tokens.Port, query, [.. RawSocket.Upgrade, .. headers]);
        using (socket)
        {
            if (!head.StartsWith("HTTP/1.1 101", StringComparison.Ordinal)) return (head.Split(' ')[1], "told by status");
            var isAdmitted = headers.Length > 1 || query.Contains("ticket=", StringComparison.Ordinal);
            if (!isAdmitted) await socket.SendTextAsync(frame is null ? """{"channel":"room.1","msg":"m"}""" : new JsonObject { ["type"] = "auth", ["token"] = frame }.ToJsonString());
            var first = (await socket.ElementsAsync())[0];
            var type = first.GetProperty("type").GetString()!;
            if (type == "CURSOR") return ("200", "");
            Assert.Equal(4000 + int.Parse(type, CultureInfo.InvariantCulture), await socket.CloseCodeAsync());
            return (type, first.GetProperty("reason").GetString()!);
        }
    }

    /// <summary>The credential of a carrier: tokens; or tickets, one for each right that the door needs.</summary>
    private async Task<string[]> CredentialsAsync(string door, string carrier, string credential)
    {
        var tokens = shared.Tokens;
        var right = Token().With("ccomet:subscribe", Own).With("ccomet:publish", Own);
        if (carrier != "ticket")
        {
            var old = tokens.Clock.GetUtcNow().AddMinutes(-1).ToUnixTimeSeconds();
            return [credential switch
            {
                "expired" => right.With("exp", old).Sign(TokenServer.Key),
                "audience" => right.With("aud", "another").Sign(TokenServer.Key),
                "alg none" => right.WithHeader("alg", "none").Join(_ => []),
                "confusion" => right.WithHeader("alg", "RS256").Sign(TokenServer.Key),
                "revoked key" => right.Sign(Encoding.ASCII.GetBytes("a key that this server does not have")),
                _ => right.Sign(TokenServer.Key),
            }];
        }

        // A ticket has no algorithm: what is no ticket of this server stands for each of these.
        if (credential is "audience" or "alg none" or "confusion" or "revoked key") return [credential.Replace(' ', '-')];
        string[] verbs = door.StartsWith("sign", StringComparison.Ordinal) ? ["subscribe", "publish"] : [Doors[door].Publishes ? "publish" : "subscribe"];
        var tickets = new List<string>();
        foreach (var verb in verbs) tickets.Add(credential == "expired" ? shared.Expired[verb] : await tokens.TicketAsync(right.Sign(TokenServer.Key), verb, Own));
        return [.. tickets];

        TestToken Token() => tokens.Token().With("ccomet:subscribe", null);
    }

    /// <summary>One server for all rows.</summary>
    public sealed class Server : IAsyncLifetime
    {
        private readonly LaterTime _time = new();

        internal TokenServer Tokens { get; private set; } = null!;

        /// <summary>Tickets that open no more, by their verbs.</summary>
        internal Dictionary<string, string> Expired { get; } = [];

        public async Task InitializeAsync()
        {
            Tokens = await TokenServer.StartAsync(_time, $"CComet:Cors:Origins:0={Origin}", $"CComet:WebSocket:Origins:0={Origin}");
            foreach (var verb in (string[])["subscribe", "publish"]) Expired[verb] = await Tokens.TicketAsync(Tokens.TokenOf("ann", $"{verb}={Own}"), verb, Own);
            _time.Later = TimeSpan.FromMinutes(2);
        }

        public async Task DisposeAsync() => await Tokens.DisposeAsync();
    }

    /// <summary>The system's clock, set forward.</summary>
    private sealed class LaterTime : TimeProvider
    {
        public TimeSpan Later { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Later;
    }
}
