using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Access;

/// <summary>What was revoked ends at once, on every node, and does not come back.</summary>
public sealed class RevocationTests : IDisposable
{
    private const string Quiet = "CComet:Stream:Heartbeat=00:05:00";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ccomet-revocations-");

    public static readonly TheoryData<string> Paths = Follower.Paths;

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task Idle_stream_of_a_revoked_user_ends_with_the_reason(string path)
    {
        await using var server = await TokenServer.StartAsync(Quiet);
        var (ann, bob) = (server.TokenOf("ann", "subscribe=room.1"), server.TokenOf("bob", "subscribe=room.1"));
        using var revoked = await OpenAsync(server, path, ann);
        using var other = await OpenAsync(server, path, bob);
        Assert.Equal(200, (await RevokeAsync(server, """{"sub":"ann"}""")).Status);
        await AssertRevokedAsync(revoked);
        await server.PublishAsync(server.TokenOf("pub", "publish=*"), "room.1", "m");
        Assert.Equal("m", (await other.ElementButTicketAsync()).GetProperty("msg").GetString());
    }

    [Fact]
    public async Task Waiting_poll_of_a_revoked_user_is_refused()
    {
        await using var server = await TokenServer.StartAsync();
        var poll = server.AskAsync(server.TokenOf("ann", "subscribe=room.1"), "/sub?channel=room.1");
        await Eventually.TrueAsync(() => server.Live.Hub.Find("room.1")?.Waiting == 1, "Waiting");
        await RevokeAsync(server, """{"sub":"ann"}""");
        (await poll).AssertProblem(403, "channel");
    }

    [Fact]
    public async Task Token_of_a_revoked_user_is_refused_and_one_that_was_issued_later_holds()
    {
        await using var server = await TokenServer.StartAsync();
        var token = server.TokenOf("ann", "subscribe=room.1");
        Assert.Equal(200, (await PollAsync(token)).Status);
        await RevokeAsync(server, """{"sub":"ann"}""");
        (await PollAsync(token)).AssertProblem(401);
        server.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(200, (await PollAsync(server.TokenOf("ann", "subscribe=room.1"))).Status);
        (await PollAsync(server.Token().With("iat", null).With("jti", "t-3").Sign(TokenServer.Key))).AssertProblem(401);

        Task<Answer> PollAsync(string bearer) => server.AskAsync(bearer, "/sub?channel=room.1&wait=0");
    }

    [Fact]
    public async Task One_token_is_revoked_by_its_id()
    {
        await using var server = await TokenServer.StartAsync();
        var (one, other) = (server.Token().With("jti", "one").Sign(TokenServer.Key), server.Token().With("jti", "other").Sign(TokenServer.Key));
        await RevokeAsync(server, """{"jti":"one"}""");
        (await server.AskAsync(one, "/sub?channel=room.1&wait=0")).AssertProblem(401);
        Assert.Equal(200, (await server.AskAsync(other, "/sub?channel=room.1&wait=0")).Status);
    }

    [Fact]
    public async Task Channel_is_revoked_in_all_tokens_and_the_others_of_a_token_stay()
    {
        await using var server = await TokenServer.StartAsync(Quiet);
        var token = server.TokenOf("ann", "subscribe=room.*");
        using var one = await OpenAsync(server, "/stream", token);
        await RevokeAsync(server, """{"channel":"room.1"}""");
        await AssertRevokedAsync(one);
        (await server.AskAsync(token, "/sub?channel=room.1&wait=0")).AssertProblem(403, "channel");
        Assert.Equal(200, (await server.AskAsync(token, "/sub?channel=room.2&wait=0")).Status);
    }

    [Fact]
    public async Task Ticket_of_a_revoked_user_does_not_open()
    {
        await using var server = await TokenServer.StartAsync();
        var ticket = await server.TicketAsync(server.TokenOf("ann", "subscribe=room.1"), "subscribe", "room.1");
        await RevokeAsync(server, """{"sub":"ann"}""");
        (await server.AskAsync(null, $"/sub?channel=room.1&wait=0&ticket={ticket}")).AssertProblem(401);
    }

    [Theory]
    [InlineData("{}", "sub")]
    [InlineData("""{"sub":"a","jti":"b"}""", "jti")]
    [InlineData("""{"sub":""}""", "sub")]
    [InlineData("""{"channel":5}""", "channel")]
    public async Task Revocation_that_is_wrong_is_refused_by_name(string body, string parameter)
    {
        await using var server = await TokenServer.StartAsync();
        (await RevokeAsync(server, body)).AssertProblem(400, parameter);
    }

    [Theory]
    [InlineData("""{"sub":"bob"}""", "admin=room.*", 403)]
    [InlineData("""{"sub":"bob"}""", "subscribe=*", 403)]
    [InlineData("""{"channel":"hall"}""", "admin=room.*", 403)]
    [InlineData("""{"channel":"room.1"}""", "admin=room.*", 200)]
    public async Task Revocation_needs_the_right_to_administer_what_is_revoked(string body, string right, int status)
    {
        await using var server = await TokenServer.StartAsync();
        Assert.Equal(status, (await server.AskAsync(server.TokenOf("op", right), "/admin/revoke", Asking.Body(body))).Status);
    }

    [Fact]
    public async Task Nothing_is_revoked_in_mode_Open()
    {
        await using var server = await LiveServer.StartAsync();
        (await server.Http.AskAsync("/admin/revoke", Asking.Body("""{"sub":"ann"}"""))).AssertProblem(403, "sub");
    }

    [Fact]
    public async Task Revocation_outlives_a_restart()
    {
        string[] store = ["CComet:Store:Kind=Sqlite", $"CComet:Store:Path={Path.Combine(_folder.FullName, "ccomet.db")}"];
        string token;
        await using (var server = await TokenServer.StartAsync(store))
        {
            token = server.TokenOf("ann", "subscribe=room.1");
            await RevokeAsync(server, """{"sub":"ann"}""");
        }

        await using var again = await TokenServer.StartAsync(store);
        (await again.AskAsync(token, "/sub?channel=room.1&wait=0")).AssertProblem(401);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task Idle_stream_on_another_node_ends(string path)
    {
        await using var redis = await RedisServer.StartAsync();
        string[] store = [Quiet, "CComet:Store:Kind=Redis", $"CComet:Store:Redis={redis.Address}"];
        await using var one = await TokenServer.StartAsync(store);
        await using var two = await TokenServer.StartAsync(store);
        var token = two.TokenOf("ann", "subscribe=room.1");
        using var follower = await OpenAsync(two, path, token);
        Assert.Equal(200, (await RevokeAsync(one, """{"sub":"ann"}""")).Status);
        await AssertRevokedAsync(follower);
        (await two.AskAsync(token, "/sub?channel=room.1&wait=0")).AssertProblem(401);
    }

    private static async Task AssertRevokedAsync(Follower follower)
    {
        var last = await follower.ElementButTicketAsync();
        Assert.Contains("revoked", last.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal("403", last.TryGetProperty("code", out var code) ? $"{code.GetInt32()}" : last.GetProperty("type").GetString());
        Assert.Null(await follower.NextAsync());
    }

    private static Task<Answer> RevokeAsync(TokenServer server, string body) => server.AskAsync(server.TokenOf("op", "admin=*"), "/admin/revoke", Asking.Body(body));

    private static async Task<Follower> OpenAsync(TokenServer server, string path, string token) =>
        await Follower.OpenAsync(path, server.Port, $"channel=room.1&ticket={await server.TicketAsync(token, "subscribe", "room.1")}");
}
