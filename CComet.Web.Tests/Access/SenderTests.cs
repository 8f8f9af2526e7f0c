using System.Text.Json;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Access;

/// <summary>In mode Token a message says who has sent it, and no client passes for another.</summary>
public sealed class SenderTests
{
    [Fact]
    public async Task Message_is_by_the_user_of_the_token_when_it_names_none()
    {
        await using var server = await TokenServer.StartAsync();
        var token = server.TokenOf("ann", "publish=room.*", "subscribe=room.*");
        Assert.Equal(200, (await server.PublishAsync(token, "room.1", "m")).Status);
        Assert.Equal(200, (await server.PublishAsync(token, "room.1", "n", sname: "ann")).Status);
        var kept = (await server.AskAsync(token, "/sub?channel=room.1&seqid=0&wait=0")).Elements;
        Assert.All(kept, message => Assert.Equal("ann", message.GetProperty("sname").GetString()));
        Assert.Equal(2, kept.Length);
    }

    [Fact]
    public async Task Sender_cannot_be_forged()
    {
        await using var server = await TokenServer.StartAsync();
        var token = server.TokenOf("ann", "publish=room.*", "subscribe=room.*");
        (await server.PublishAsync(token, "room.1", "m", sname: "bob")).AssertProblem(403, "sname");
        (await server.AskAsync(token, "/pub", Asking.Body("""[{"channel":"room.1","msg":"m"},{"channel":"room.1","msg":"m","sname":"bob"}]"""))).AssertProblem(403, "sname");
        (await server.AskAsync(token, HttpMethod.Post, "/sign?channel=room.1&sname=bob")).AssertProblem(403, "sname");
        Assert.Empty((await server.AskAsync(token, "/sub?channel=room.1&seqid=0&wait=0")).Elements);
    }

    [Fact]
    public async Task Sender_over_a_WebSocket_cannot_be_forged()
    {
        await using var server = await TokenServer.StartAsync();
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=room.1", $"Authorization: Bearer {server.TokenOf("ann", "publish=room.1", "subscribe=room.1")}");
        await socket.ElementsAsync();
        await socket.SendJsonAsync(new { channel = "room.1", msg = "m", sname = "bob" });
        Assert.Equal("403", (await socket.ElementsAsync())[0].GetProperty("type").GetString());
        await socket.SendJsonAsync(new { channel = "room.1", msg = "m" });
        var told = new List<JsonElement>([.. await socket.ElementsAsync(), .. await socket.ElementsAsync()]);
        Assert.Equal("ann", told.Single(e => e.GetProperty("type").GetString() == "MSG").GetProperty("sname").GetString());
    }

    [Theory]
    [InlineData("sname=*", "bob", 200)]
    [InlineData("sname={sub}/*", "ann/phone", 200)]
    [InlineData("sname={sub}/*", "bob/phone", 403)]
    public async Task Right_to_other_names_is_given_by_its_claim(string right, string sname, int status)
    {
        await using var server = await TokenServer.StartAsync();
        Assert.Equal(status, (await server.PublishAsync(server.TokenOf("ann", "publish=room.*", right), "room.1", "m", sname)).Status);
    }

    [Fact]
    public async Task Stream_of_another_user_is_not_ended_by_taking_its_name()
    {
        await using var server = await TokenServer.StartAsync();
        var ann = server.TokenOf("ann", "subscribe=room.*");
        var poll = server.AskAsync(ann, "/sub?channel=room.1&sname=ann");
        await Eventually.TrueAsync(() => server.Live.Hub.Find("room.1")?.Waiting == 1, "Waiting");
        (await server.AskAsync(server.TokenOf("bob", "subscribe=room.*"), "/sub?channel=room.1&sname=ann")).AssertProblem(403, "sname");
        await server.PublishAsync(server.TokenOf("pub", "publish=*"), "room.1", "m");
        Assert.Equal(["MSG"], (await poll).Types());
    }

    [Fact]
    public async Task Two_streams_of_a_user_without_a_name_do_not_end_each_other()
    {
        await using var server = await TokenServer.StartAsync();
        var ann = server.TokenOf("ann", "subscribe=room.*");
        var polls = new[] { server.AskAsync(ann, "/sub?channel=room.1"), server.AskAsync(ann, "/sub?channel=room.1") };
        await Eventually.TrueAsync(() => server.Live.Hub.Find("room.1")?.Waiting == 2, "Waiting");
        await server.PublishAsync(server.TokenOf("pub", "publish=*"), "room.1", "m");
        foreach (var poll in polls) Assert.Equal(["MSG"], (await poll).Types());
    }

    /// <summary>Otherwise a stranger who guesses an id would have a message dropped, and learn the number of another's.</summary>
    [Fact]
    public async Task Id_of_one_user_is_none_of_another()
    {
        await using var server = await TokenServer.StartAsync();
        var (ann, bob) = (server.TokenOf("ann", "publish=room.*"), server.TokenOf("bob", "publish=room.*"));
        Assert.Equal(0, await SeqidAsync(ann));
        Assert.Equal(1, await SeqidAsync(bob));
        Assert.Equal(0, await SeqidAsync(ann));

        async Task<long> SeqidAsync(string token) => (await server.PublishAsync(token, "room.1", "m", id: "order-1")).Elements[0].GetProperty("seqid").GetInt64();
    }

    [Theory]
    [InlineData(200, 200)]
    public async Task Longest_user_and_id_are_taken(int user, int id)
    {
        await using var server = await TokenServer.StartAsync();
        var token = server.TokenOf(new string('u', user), "publish=room.*");
        foreach (var isDuplicate in (bool[])[false, true])
        {
            var receipt = (await server.PublishAsync(token, "room.1", "m", id: new string('i', id))).Elements[0];
            Assert.Equal(isDuplicate, receipt.TryGetProperty("duplicate", out _));
        }
    }

    /// <summary>Whether a channel exists is told to no caller without the right to it: not by the text, the status, or a header.</summary>
    [Theory]
    [InlineData("/sub?wait=0&seqid=7&channel=")]
    [InlineData("/sub?wait=0&seqid=0&epoch=wrong&channel=")]
    [InlineData("/sse?channel=")]
    [InlineData("/stream?channel=")]
    [InlineData("/pub?msg=m&id=x&channel=")]
    [InlineData("/sign?channel=")]
    [InlineData("/sub?wait=0&channel=room.1&channel=")]
    public async Task Refusal_tells_nothing_of_whether_the_channel_exists(string path)
    {
        await using var server = await TokenServer.StartAsync();
        await server.PublishAsync(server.TokenOf("pub", "publish=*"), "there", "m", id: "x");
        var token = server.TokenOf("ann", "subscribe=room.*", "publish=room.*");
        var (there, nowhere) = (await AskAsync("there"), await AskAsync("absent"));
        Assert.Equal(403, there.Status);
        Assert.Equal(nowhere.Text.Replace("absent", "there", StringComparison.Ordinal), there.Text);
        Assert.Equal(nowhere.Headers.Where(IsTelling).OrderBy(h => h.Key), there.Headers.Where(IsTelling).OrderBy(h => h.Key));
        Assert.Empty(server.Live.Hub.OpenNames);

        Task<Answer> AskAsync(string channel) => server.AskAsync(token, path.StartsWith("/pub", StringComparison.Ordinal) || path.StartsWith("/sign", StringComparison.Ordinal) ? HttpMethod.Post : HttpMethod.Get, path + channel);

        static bool IsTelling(KeyValuePair<string, string> header) => header.Key is not ("Date" or "Content-Length");
    }
}
