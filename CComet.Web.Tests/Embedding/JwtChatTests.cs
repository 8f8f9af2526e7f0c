using System.Buffers.Text;
using System.Text.Json;
using CComet.Web.Tests.Docs;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Embedding;

/// <summary>The sample <c>samples/JwtChat</c>: an application that gives out tokens, and the push server beside it, each as a program of its own.</summary>
public sealed class JwtChatTests(JwtChatPrograms programs) : IClassFixture<JwtChatPrograms>
{
    [Fact]
    public async Task Users_chat_in_a_room_under_their_own_names()
    {
        var ada = await programs.TokenAsync("ada");
        var bob = await programs.TokenAsync("bob");
        using var stream = await FollowAsync(ada, "room.tea");
        Assert.Equal("pub", Assert.Single((await programs.AskAsync(bob, "/pub", """{"channel":"room.tea","msg":"hello"}""")).Elements).GetProperty("type").GetString());
        var message = await stream.JsonAsync();
        Assert.Equal(("bob", "hello"), (message.GetProperty("sname").GetString(), message.GetProperty("msg").GetString()));
        (await programs.AskAsync(bob, "/pub", """{"channel":"room.tea","msg":"hello","sname":"ada"}""")).AssertProblem(403, "sname");
    }

    [Fact]
    public async Task News_are_written_by_a_moderator_and_read_by_every_user()
    {
        var ada = await programs.TokenAsync("ada");
        using var stream = await FollowAsync(ada, "news");
        var refusal = await programs.AskAsync(ada, "/pub", """{"channel":"news","msg":"mine"}""");
        refusal.AssertProblem(403, "channel");
        Assert.Contains("ccomet:publish", refusal.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Single((await programs.AskAsync(await programs.TokenAsync("mia"), "/pub", """{"channel":"news","msg":"opened"}""")).Elements);
        Assert.Equal("opened", (await stream.JsonAsync()).GetProperty("msg").GetString());
    }

    [Fact]
    public async Task Inbox_is_read_by_its_user_and_written_by_the_application_in_the_name_of_the_user_who_asks()
    {
        using var stream = await FollowAsync(await programs.TokenAsync("bob"), "inbox.bob");
        var ada = await programs.SignInAsync("ada");
        Assert.Equal(202, (await ada.AskAsync("/notes", JwtChatPrograms.Form(("to", "bob"), ("text", "call me")))).Status);
        var note = await stream.JsonAsync();
        Assert.Equal(("ada", "call me"), (note.GetProperty("sname").GetString(), note.GetProperty("msg").GetString()));

        Assert.Equal(400, (await ada.AskAsync("/notes", JwtChatPrograms.Form(("to", "b*"), ("text", "call me")))).Status);
        var token = await programs.TokenAsync("ada");
        (await programs.AskAsync(token, "/sub?channel=inbox.bob&wait=0")).AssertProblem(403, "channel");
        (await programs.AskAsync(token, "/pub", """{"channel":"inbox.bob","msg":"m"}""")).AssertProblem(403, "channel");
    }

    [Fact]
    public async Task Token_names_its_user_holds_for_five_minutes_and_is_kept_by_no_cache()
    {
        var answer = await (await programs.SignInAsync("ada")).AskAsync("/token", JwtChatPrograms.Form());
        Assert.Equal("no-store", answer.Header("Cache-Control"));
        var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(answer.Json.GetProperty("token").GetString()!.Split('.')[1])).RootElement;
        Assert.Equal(("jwtchat", "ccomet", "ada"), (claims.GetProperty("iss").GetString(), claims.GetProperty("aud").GetString(), claims.GetProperty("sub").GetString()));
        Assert.Equal(300, claims.GetProperty("exp").GetInt64() - claims.GetProperty("iat").GetInt64());
    }

    [Fact]
    public async Task Token_is_given_only_as_long_as_a_user_is_signed_in()
    {
        Assert.Equal(401, (await programs.NewVisitor().AskAsync("/token", JwtChatPrograms.Form())).Status);
        var ada = await programs.SignInAsync("ada");
        Assert.Equal(200, (await ada.AskAsync("/token", JwtChatPrograms.Form())).Status);
        Assert.Equal(200, (await ada.AskAsync("/logout", JwtChatPrograms.Form())).Status);
        Assert.Equal(401, (await ada.AskAsync("/token", JwtChatPrograms.Form())).Status);
    }

    /// <summary>The last is the same site for a browser, which sends along the cookie: another port of the same host.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData("null")]
    [InlineData("https://other.example")]
    [InlineData("http://127.0.0.1:1")]
    public async Task Page_of_another_origin_gets_no_token_and_signs_in_no_user(string? origin)
    {
        var ada = await programs.SignInAsync("ada");
        ada.DefaultRequestHeaders.Remove("Origin");
        if (origin is not null) ada.DefaultRequestHeaders.Add("Origin", origin);
        foreach (var path in (string[])["/token", "/login", "/logout", "/notes"])
        {
            var answer = await ada.AskAsync(path, JwtChatPrograms.Form(("name", "eve"), ("to", "bob"), ("text", "m")));
            Assert.Equal(403, answer.Status);
            Assert.DoesNotContain("Set-Cookie", answer.Headers.Keys);
            Assert.DoesNotContain("Access-Control-Allow-Origin", answer.Headers.Keys);
        }
    }

    [Fact]
    public async Task Page_may_run_no_inline_script_and_of_the_push_server_the_files_of_the_client_alone()
    {
        var page = await programs.NewVisitor().AskAsync("/");
        Assert.Equal("text/html", page.Header("Content-Type"));
        var policy = page.Header("Content-Security-Policy")!.Split("; ");
        Assert.Contains("default-src 'none'", policy);
        Assert.Contains($"script-src 'self' {programs.Server}/js/", policy);
        Assert.DoesNotContain(policy, directive => directive.Contains("unsafe", StringComparison.Ordinal));
        Assert.Contains("frame-ancestors 'none'", policy);
    }

    [Fact]
    public async Task Push_server_lets_in_pages_of_the_application_alone()
    {
        var token = await programs.TokenAsync("ada");
        var own = await AskFromAsync(programs.App);
        Assert.Equal((200, programs.App), (own.Status, own.Header("Access-Control-Allow-Origin")));
        (await AskFromAsync("https://other.example")).AssertProblem(403, "Origin");

        Task<Answer> AskFromAsync(string origin) => programs.Push.AskAsync(HttpMethod.Get, "/sub?channel=news&wait=0", headers: headers =>
        {
            headers.Authorization = new("Bearer", token);
            headers.Add("Origin", origin);
        });
    }

    [Fact]
    public async Task Push_server_refuses_a_token_that_has_expired_or_that_another_key_has_signed_and_a_request_without()
    {
        var settings = JsonDocument.Parse(Documents.Read("samples/JwtChat/appsettings.Development.json")).RootElement;
        var key = settings.GetProperty("Push").GetProperty("Key").GetBytesFromBase64();
        Assert.Equal(200, (await programs.AskAsync(NewToken(DateTimeOffset.UtcNow).Sign(key), "/sub?channel=room.tea&wait=0")).Status);

        await AssertRefusedAsync(NewToken(DateTimeOffset.UtcNow.AddHours(-2)).Sign(key), "expired");
        await AssertRefusedAsync(NewToken(DateTimeOffset.UtcNow).Sign(new byte[32]), "");
        Assert.Equal(401, (await programs.Push.AskAsync("/sub?channel=room.tea&wait=0")).Status);

        async Task AssertRefusedAsync(string token, string reason)
        {
            var answer = await programs.AskAsync(token, "/sub?channel=room.tea&wait=0");
            answer.AssertProblem(401);
            Assert.Contains(reason, answer.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        }

        static TestToken NewToken(DateTimeOffset issued) => new TestToken(issued).With("iss", "jwtchat").With("aud", "ccomet");
    }

    [Fact]
    public async Task Application_does_not_start_without_a_key()
    {
        await using var app = JwtChatPrograms.StartApp("--environment=Production", "--urls=http://127.0.0.1:0");
        Assert.NotEqual(0, await app.ExitAsync());
        await Eventually.TrueAsync(() => app.Errors.Any(line => line.Contains("Push:Key must be", StringComparison.Ordinal)), "The error names the setting");
    }

    /// <summary>Follows a channel from now on.</summary>
    private async Task<OpenAnswer> FollowAsync(string token, string channel)
    {
        var answer = await OpenAnswer.GetAsync($"{programs.Server}/stream?channel={channel}", ("Authorization", $"Bearer {token}"));
        Assert.Equal(200, (int)answer.Head.StatusCode);
        var cursor = await answer.JsonAsync();
        Assert.Equal("CURSOR", cursor.GetProperty("type").GetString());
        Assert.True(cursor.TryGetProperty("expires", out _));
        return answer;
    }
}
