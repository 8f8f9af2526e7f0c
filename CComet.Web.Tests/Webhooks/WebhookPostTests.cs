using System.Net.Http.Json;
using System.Text.Json;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace CComet.Web.Tests.Webhooks;

/// <summary>What an application is posted: every event of its channels, in order, signed, again until it has taken it, and told of what is gone.</summary>
public sealed class WebhookPostTests : IAsyncLifetime
{
    private WebhookReceiver _receiver = null!;

    public async Task InitializeAsync() => _receiver = await WebhookReceiver.StartAsync();

    public async Task DisposeAsync() => await _receiver.DisposeAsync();

    [Fact]
    public async Task Message_is_posted_with_its_place_and_the_headers_of_standard_webhooks()
    {
        await using var server = await LiveServer.StartAsync(_receiver.Settings("room.*"));
        var before = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var receipt = await server.PublishAsync("room.1", new { text = "Grüße, \"Welt\" \u2028" }, "ann");
        await server.PublishAsync("other", "nobody's");
        var told = Assert.Single(await _receiver.TakeAsync(1));
        var post = Assert.Single(_receiver.Posts);
        Assert.Equal("application/json; charset=utf-8", post.Headers.ContentType);
        Assert.StartsWith("msg_", post.Id, StringComparison.Ordinal);
        Assert.InRange(long.Parse(post.Headers["webhook-timestamp"].ToString(), null), before, before + (long)Patience.Limit.TotalSeconds);
        Assert.Equal(("app", 1), (post.Json.GetProperty("hook").GetString(), post.Generation));
        Assert.Equal("event,channel,log,epoch,seqid,time,sname,msg", string.Join(',', told.EnumerateObject().Select(member => member.Name)));
        Assert.Equal(("message", "room.1", receipt.GetProperty("epoch").GetString(), 0L, "ann"), (Text(told, "event"), Text(told, "channel"), Text(told, "epoch"), told.GetProperty("seqid").GetInt64(), Text(told, "sname")));
        Assert.Equal("Grüße, \"Welt\" \u2028", told.GetProperty("msg").GetProperty("text").GetString());
    }

    [Fact]
    public async Task Messages_come_in_order_and_at_most_a_hundred_in_one_post()
    {
        var isOpen = new TaskCompletionSource();
        _receiver.Answer = (_, _) => isOpen.Task;
        await using var server = await LiveServer.StartAsync(_receiver.Settings("*"));
        for (var i = 0; i < 10; i++)
        {
            using var answer = await server.Http.PostAsJsonAsync("/pub", Enumerable.Range(i * 25, 25).Select(n => new { channel = $"c{n % 2}", msg = n }));
            answer.EnsureSuccessStatusCode();
        }

        isOpen.SetResult();
        var told = await _receiver.TakeAsync(250);
        Assert.Equal(250, told.Count);
        foreach (var channel in told.GroupBy(one => Text(one, "channel")))
        {
            Assert.Equal(Enumerable.Range(0, 125).Select(n => (long)n), channel.Select(one => one.GetProperty("seqid").GetInt64()));
            Assert.Equal(Enumerable.Range(0, 125).Select(n => (n * 2) + (channel.Key == "c1" ? 1 : 0)), channel.Select(one => one.GetProperty("msg").GetInt32()));
        }

        Assert.All(_receiver.Posts, post => Assert.InRange(post.Events.Count, 1, 100));
        Assert.InRange(_receiver.Posts.Count, 3, 10);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(302)]
    [InlineData(410)]
    public async Task Post_that_is_not_taken_comes_again_the_same_until_it_is(int status)
    {
        var tries = 0;
        _receiver.Answer = (_, context) =>
        {
            context.Response.StatusCode = ++tries < 3 ? status : 204;
            context.Response.Headers.Location = "/elsewhere";
            return Task.CompletedTask;
        };
        await using var server = await LiveServer.StartAsync(_receiver.Settings("*"));
        await server.PublishAsync("c", "one");
        await _receiver.TakeAsync(1);
        var posts = _receiver.Posts;
        Assert.Equal(3, posts.Count);
        Assert.All(posts, post => Assert.Equal(("/hook", posts[0].Id, posts[0].Body), (post.Path, post.Id, post.Body)));
    }

    [Fact]
    public async Task Application_that_is_away_gets_everything_once_it_is_back()
    {
        await using var server = await LiveServer.StartAsync(_receiver.Settings("*"));
        await server.PublishAsync("c", "one");
        await _receiver.TakeAsync(1);
        await _receiver.StopAsync();
        await server.PublishAsync("c", "two");
        await server.PublishAsync("c", "three");
        await _receiver.BeginAsync();
        Assert.Equal(["one", "two", "three"], (await _receiver.TakeAsync(3)).Select(one => Text(one, "msg")));
    }

    [Fact]
    public async Task What_history_no_longer_holds_is_told_as_a_gap()
    {
        await using var server = await LiveServer.StartAsync(_receiver.Settings("*", "CComet:History:MaxMessages=5"));
        await server.PublishAsync("c", 0);
        await _receiver.TakeAsync(1);

        // While the first of them is under way, the others push each other out.
        var isOpen = new TaskCompletionSource();
        _receiver.Answer = (_, _) => isOpen.Task;
        await server.PublishAsync("c", 1);
        await Eventually.TrueAsync(() => _receiver.Posts.Count == 2, "The post of the second message");
        for (var i = 2; i < 20; i++) await server.PublishAsync("c", i);
        isOpen.SetResult();
        var told = await _receiver.TakeAsync(8);
        Assert.Equal(["message 0", "message 1", "gap 2-14", "message 15", "message 16", "message 17", "message 18", "message 19"], told.Select(Brief));
        Assert.Equal("[\"message\"]", told[2].GetProperty("missing").GetRawText());
        Assert.Equal(Text(told[0], "epoch"), Text(told[2], "epoch"));
    }

    [Fact]
    public async Task Channel_that_is_cleared_is_told_as_a_reset()
    {
        await using var server = await LiveServer.StartAsync(_receiver.Settings("*"));
        await server.PublishAsync("c", 0);
        await _receiver.TakeAsync(1);
        using var cleared = await server.Http.PostAsync("/admin/channels/c/clear", null);
        cleared.EnsureSuccessStatusCode();
        await _receiver.TakeAsync(2);
        await server.PublishAsync("c", 1);
        var told = await _receiver.TakeAsync(3);
        Assert.Equal(["message 0", "reset", "message 0"], told.Select(Brief));
        Assert.NotEqual(Text(told[0], "epoch"), Text(told[1], "epoch"));
        Assert.Equal(Text(told[1], "epoch"), Text(told[2], "epoch"));
    }

    [Fact]
    public async Task New_webhook_begins_with_what_is_published_from_then_on_and_goes_on_after_a_restart()
    {
        var folder = Directory.CreateTempSubdirectory("ccomet-hook-");
        string[] store = ["CComet:Store:Kind=Sqlite", $"CComet:Store:Path={folder.FullName}/ccomet.db"];
        await using (var server = await LiveServer.StartAsync(store)) await server.PublishAsync("c", "before");
        await using (var server = await LiveServer.StartAsync(_receiver.Settings("*", store)))
        {
            await server.PublishAsync("c", "one");
            await server.PublishAsync("new", "two");
            await _receiver.TakeAsync(2);
        }

        // Whoever publishes while the webhook is not in the settings.
        await using (var server = await LiveServer.StartAsync(store)) await server.PublishAsync("c", "three");
        await using (var server = await LiveServer.StartAsync(_receiver.Settings("*", store))) await _receiver.TakeAsync(3);
        Assert.Equal(["one", "two", "three"], _receiver.Events.Select(one => Text(one, "msg")).Order(StringComparer.Ordinal).OrderBy(text => text == "three"));
        Assert.True(_receiver.Posts[^1].Generation > _receiver.Posts[0].Generation);
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Joins_leaves_and_visits_are_told_once_each()
    {
        await using var server = await LiveServer.StartAsync(_receiver.Settings(
            "room.*", "CComet:Hooks:0:Events=Join,Leave,Occupied,Vacated", "CComet:Presence:Channels=room.*", "CComet:Presence:LeaveAfter=00:00:00.2", "CComet:Poll:Timeout=00:00:00.1"));
        using (var client = await RawHttp.ConnectAsync(server.Port))
        {
            for (var poll = 0; poll < 3; poll++)
            {
                await client.SendAsync("GET /sub?channel=room.1&sname=ann HTTP/1.1\r\nHost: localhost\r\n\r\n");
                await client.ReadAsync();
            }

            await server.PublishAsync("room.1", "no event of this webhook");
            await _receiver.TakeAsync(2);
        }

        var told = await _receiver.TakeAsync(4);
        Assert.Equal(["join ann", "leave ann", "occupied", "vacated"], told.Select(Visit).Order(StringComparer.Ordinal));
        Assert.All(told, one => Assert.Equal("room.1", Text(one, "channel")));
        Assert.Equal(["$occupancy:room.1", "$presence:room.1"], told.Select(one => Text(one, "log")).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal("event,channel,log,epoch,seqid,time", string.Join(',', told.Single(one => Text(one, "event") == "vacated").EnumerateObject().Select(member => member.Name)));

        static string Visit(JsonElement one) => $"{Text(one, "event")} {(one.TryGetProperty("user", out var user) ? user.GetString() : "")}".TrimEnd();
    }

    [Fact]
    public async Task Nobody_but_the_server_reads_the_log_of_visits()
    {
        await using var server = await LiveServer.StartAsync(_receiver.Settings("*", "CComet:Hooks:0:Events=Occupied"));
        using var answer = await server.Http.GetAsync("/sub?channel=%24occupancy:c&wait=0");
        Assert.Equal(StatusCodes.Status403Forbidden, (int)answer.StatusCode);
    }

    private static string? Text(JsonElement one, string member) => one.GetProperty(member).GetString();

    private static string Brief(JsonElement one) => Text(one, "event") switch
    {
        "message" => $"message {one.GetProperty("seqid")}",
        "gap" => $"gap {one.GetProperty("from")}-{one.GetProperty("to")}",
        var other => other!,
    };
}
