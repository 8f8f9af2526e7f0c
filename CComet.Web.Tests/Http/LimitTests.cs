using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Http;

/// <summary>What clients make grow has a bound; past it they are told 429, by name, and when to come again.</summary>
public sealed class LimitTests
{
    [Fact]
    public async Task Channel_too_many_is_refused_on_every_verb_that_makes_one_and_stores_nothing()
    {
        await using var factory = new CCometFactory("CComet:Limits:Channels=2");
        using var http = factory.CreateClient();
        await http.PublishAsync("a", "m");
        await http.PublishAsync("b", "m");
        foreach (var path in (string[])["/pub?channel=c&msg=m", "/sign?channel=c"]) AssertLimit(await http.AskAsync(path), "channel");
        AssertLimit(await http.AskAsync("/pub", Asking.Body("""[{"channel":"a","msg":"x"},{"channel":"c","msg":"x"}]""")), "channel");
        (await http.AskAsync("/pub?channel=c&msg=m&callback=f")).AssertJsonpProblem("f", "429", "channel");
        Assert.Equal(["m"], await http.KeptAsync("a"));
        await Eventually.TrueAsync(() => factory.Hub.SubscriberCount == 0, "Leaving of all");
    }

    [Fact]
    public async Task Channels_that_are_empty_make_room_for_those_that_are_published_to()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var factory = new CCometFactory(time, "CComet:Limits:Channels=2", "CComet:History:MaxAge=00:01:00");
        using var http = factory.CreateClient();
        foreach (var channel in (string[])["a", "b"]) await http.PublishAsync(channel, "m");
        AssertLimit(await http.AskAsync("/pub?channel=c&msg=m"), "channel");
        time.Advance(TimeSpan.FromMinutes(1.1));
        foreach (var channel in (string[])["c", "d"]) Assert.Equal(0, (await http.PublishAsync(channel, "m")).GetProperty("seqid").GetInt32());
        AssertLimit(await http.AskAsync("/pub?channel=e&msg=m"), "channel");
    }

    [Fact]
    public async Task Channel_with_messages_is_not_swept()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var factory = new CCometFactory(time);
        using var http = factory.CreateClient();
        var epoch = (await http.PublishAsync("c", "m")).GetProperty("epoch").GetString();
        for (var hours = 0; hours < 23; hours++)
        {
            time.Advance(TimeSpan.FromHours(1));
            await factory.Hub.SweepAsync();
        }

        Assert.Equal(["MSG"], (await http.PeekAsync("c", ("cursor", $"{epoch}:0"))).Types());
    }

    [Theory]
    [InlineData("CComet:Limits:Subscribers=3", true)]
    [InlineData("CComet:Limits:SubscribersPerChannel=3", false)]
    public async Task Subscriber_too_many_is_refused_until_one_leaves(string limit, bool everywhere)
    {
        var time = new FakeTimeProvider();
        await using var factory = new CCometFactory(time, limit);
        using var http = factory.CreateClient();
        using var cut = new CancellationTokenSource();
        Task[] polls = [.. Enumerable.Range(0, 3).Select(i => http.GetAsync(new Uri("/sub?channel=c", UriKind.Relative), i == 0 ? cut.Token : CancellationToken.None))];
        await Eventually.TrueAsync(() => factory.Hub.Find("c")?.Waiting == 3, "Parking of three");

        AssertLimit(await http.PeekAsync("c"), "channel");
        if (everywhere) AssertLimit(await http.PeekAsync("d"), "channel");
        else Assert.Empty((await http.PeekAsync("d")).Elements);
        await Eventually.TrueAsync(() => factory.Hub.SubscriberCount == 3, "Leaving of those that were answered");
        await http.PublishAsync("d", "publishing goes on");

        await cut.CancelAsync();
        await Eventually.TrueAsync(() => factory.Hub.SubscriberCount == 2, "Freeing of the one that left");
        Assert.Empty((await http.PeekAsync("c")).Elements);
        await http.PublishAsync("c", "m");
        await Task.WhenAll(polls[1..]);
    }

    [Fact]
    public async Task Id_too_many_is_refused_until_one_is_forgotten()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var factory = new CCometFactory(time, "CComet:Limits:IdsPerChannel=2");
        using var http = factory.CreateClient();
        await http.PublishAsync("c", "1", ("id", "a"));
        AssertLimit(await http.AskAsync("/pub", Asking.Body("""[{"channel":"c","msg":"x","id":"b"},{"channel":"c","msg":"x","id":"d"}]""")), "id");
        await http.PublishAsync("c", "2", ("id", "b"));
        AssertLimit(await http.AskAsync("/pub?channel=c&msg=x&id=d"), "id");
        await http.PublishAsync("c", "3");
        await http.PublishAsync("other", "4", ("id", "d"));
        Assert.Equal(["1", "2", "3"], await http.KeptAsync("c"));
        time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(3, (await http.PublishAsync("c", "5", ("id", "d"))).GetProperty("seqid").GetInt32());
    }

    [Fact]
    public async Task Repeated_id_finds_its_first_receipt_even_when_no_new_id_has_room()
    {
        await using var factory = new CCometFactory("CComet:Limits:IdsPerChannel=1");
        using var http = factory.CreateClient();
        await http.PublishAsync("c", "m", ("id", "a"));
        Assert.True((await http.PublishAsync("c", "m", ("id", "a"))).GetProperty("duplicate").GetBoolean());
    }

    [Fact]
    public async Task Size_of_a_message_and_of_an_array_are_settings()
    {
        await using var factory = new CCometFactory("CComet:Limits:MessageBytes=3", "CComet:Limits:BatchMessages=2");
        using var http = factory.CreateClient();
        await http.PublishAsync("c", "€");
        (await http.AskAsync("/pub?channel=c&msg=1234")).AssertProblem(413, "msg");
        Assert.Equal(2, (await http.AskAsync("/pub?channel=c", Asking.Body("""[{"msg":1},{"msg":"abc"}]"""))).Elements.Length);
        (await http.AskAsync("/pub?channel=c", Asking.Body("""[{"msg":1},{"msg":2},{"msg":3}]"""))).AssertProblem(413, "body");
    }

    private static void AssertLimit(Answer answer, string parameter)
    {
        answer.AssertProblem(429, parameter);
        Assert.Equal(parameter == "id" ? "300" : $"{LimitException.DefaultRetry.TotalSeconds}", answer.Header("Retry-After"));
    }
}
