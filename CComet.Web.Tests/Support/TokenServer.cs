using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Support;

/// <summary>A server in mode Token on a real Kestrel, whose key the test has; with a clock that the test turns, unless it gives another.</summary>
public sealed class TokenServer : IAsyncDisposable
{
    /// <summary>The key that signs.</summary>
    public static readonly byte[] Key = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    private TokenServer(LiveServer server, TimeProvider clock) => (Live, Clock) = (server, clock);

    /// <summary>The server.</summary>
    public LiveServer Live { get; }

    /// <summary>Its clock.</summary>
    public TimeProvider Clock { get; }

    /// <summary>Its clock, where the test turns it.</summary>
    public FakeTimeProvider Time => (FakeTimeProvider)Clock;

    public HttpClient Http => Live.Http;

    public int Port => Live.Port;

    /// <summary>The settings of mode Token with the key.</summary>
    public static string[] Settings =>
    [
        "CComet:Auth:Mode=Token",
        $"Authentication:Schemes:Bearer:ValidIssuers:0={TestToken.Issuer}",
        $"Authentication:Schemes:Bearer:ValidAudiences:0={TestToken.Audience}",
        $"Authentication:Schemes:Bearer:SigningKeys:0:Issuer={TestToken.Issuer}",
        $"Authentication:Schemes:Bearer:SigningKeys:0:Value={Convert.ToBase64String(Key)}",
    ];

    /// <summary>Starts one.</summary>
    public static Task<TokenServer> StartAsync(params string[] settings) => StartAsync(new FakeTimeProvider(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero)), settings);

    /// <summary>Starts one with a clock of the test's own.</summary>
    public static async Task<TokenServer> StartAsync(TimeProvider time, params string[] settings) =>
        new(await LiveServer.StartAsync(0, new CCometFactory(time, [.. Settings, .. settings])), time);

    /// <summary>A token of the user <c>ann</c>, who may subscribe to <c>room.*</c> and <c>inbox.ann</c>.</summary>
    public TestToken Token() => new(Clock.GetUtcNow());

    /// <summary>A token with some rights, written <c>subscribe=room.*</c>, and no others.</summary>
    public string TokenOf(string? user, params string[] rights) => With(Token().With("sub", user), rights).Sign(Key);

    /// <summary>Asks with a bearer.</summary>
    public Task<Answer> AskAsync(string? token, string path, HttpContent? body = null) => AskAsync(token, body is null ? HttpMethod.Get : HttpMethod.Post, path, body);

    /// <summary>Asks with a bearer.</summary>
    public Task<Answer> AskAsync(string? token, HttpMethod method, string path, HttpContent? body = null) =>
        Http.AskAsync(method, path, body, headers => headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token));

    /// <summary>Publishes by JSON.</summary>
    public Task<Answer> PublishAsync(string? token, string channel, string msg, string? sname = null, string? id = null)
    {
        var message = new JsonObject { ["channel"] = channel, ["msg"] = msg };
        if (sname is not null) message["sname"] = sname;
        if (id is not null) message["id"] = id;
        return AskAsync(token, "/pub", Asking.Body(message.ToJsonString()));
    }

    /// <summary>Gets a ticket.</summary>
    public async Task<string> TicketAsync(string token, string verb, params string[] channels)
    {
        var answer = await AskTicketAsync(token, verb, channels);
        Assert.True(answer.Status == 200, answer.Text);
        return answer.Json.GetProperty("ticket").GetString()!;
    }

    /// <summary>Asks for a ticket.</summary>
    public Task<Answer> AskTicketAsync(string? token, string verb, params string[] channels) =>
        AskAsync(token, "/ticket", Asking.Body(new JsonObject { ["channels"] = new JsonArray([.. channels.Select(c => (JsonNode)c)]), ["verb"] = verb }.ToJsonString()));

    public ValueTask DisposeAsync() => Live.DisposeAsync();

    private static TestToken With(TestToken token, IEnumerable<string> rights)
    {
        token.With("ccomet:subscribe", null);
        foreach (var group in rights.Select(right => right.Split('=', 2)).GroupBy(right => right[0]))
            token.With($"ccomet:{group.Key}", new JsonArray([.. group.Select(right => (JsonNode)right[1])]));
        return token;
    }
}
