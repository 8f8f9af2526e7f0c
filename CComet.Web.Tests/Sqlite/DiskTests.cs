using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Sqlite;

/// <summary>A disk that is full, and one that is read-only, under a whole server.</summary>
public sealed class DiskTests
{
    [Fact]
    public async Task Publishes_are_refused_and_reads_go_on_while_the_disk_is_full()
    {
        await using var chamber = await Chamber.StartAsync(2_048);
        var http = chamber.Http;
        for (var i = 0; i < 10; i++) await http.PublishAsync("c", $"{i}");
        using var follower = await Follower.OpenAsync("/sse", http.BaseAddress!.Port, "channel=c&seqid=0");
        for (var i = 0; i < 10; i++) Assert.Equal($"{i}", (await follower.ElementAsync()).GetProperty("msg").GetString());

        chamber.Fill();
        var acknowledged = 10;
        var refusal = await PublishUntilRefusedAsync(http, () => acknowledged++);
        refusal.AssertProblem(503);
        Assert.Contains("disk is full", refusal.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.NotNull(refusal.Header("Retry-After"));
        var ready = await http.AskAsync("/health/ready");
        ready.AssertProblem(503);
        Assert.Contains("disk is full", ready.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(200, (await http.AskAsync("/health/live")).Status);
        Assert.Equal(acknowledged, (await http.AskAsync("/sub?channel=c&seqid=0")).Elements.Length);
        Assert.Equal(503, (await http.AskAsync("/sign?channel=c&sname=x")).Status);

        chamber.Empty();
        await BecomesReadyAsync(http);
        await http.PublishAsync("c", "after");
        for (var i = 10; i < acknowledged; i++) Assert.Equal(i, (await follower.ElementAsync()).GetProperty("seqid").GetInt64());
        var last = await follower.ElementAsync();
        Assert.Equal((acknowledged, "after"), (last.GetProperty("seqid").GetInt64(), last.GetProperty("msg").GetString()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Read_only_disk_is_read_and_published_to_when_it_can_be_written_to_again(bool endedWell)
    {
        using var file = new SqliteFixture();
        var store = file.Open();
        await store.AppendAsync([HubFixture.NewMessage("c", "0"), HubFixture.NewMessage("c", "1")]);
        if (endedWell) await file.CloseAsync();
        using var copy = file.Copy();
        var from = Path.GetDirectoryName(copy.Path)!;

        await using var chamber = await Chamber.StartAsync(8_192, $"cp {from}/* . && mount -o remount,ro .");
        var http = chamber.Http;
        var refusal = await http.AskAsync("/pub?channel=c&msg=2");
        refusal.AssertProblem(503);
        Assert.Contains("The store cannot write: ", refusal.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(503, (await http.AskAsync("/health/ready")).Status);
        Assert.Equal(2, (await http.AskAsync("/sub?channel=c&seqid=0")).Elements.Length);

        await chamber.UnlockAsync();
        await BecomesReadyAsync(http);
        Assert.Equal(2, (await http.PublishAsync("c", "2")).GetProperty("seqid").GetInt64());
        Assert.Equal(["MSG", "MSG", "MSG"], (await http.AskAsync("/sub?channel=c&seqid=0")).Types());
    }

    private static async Task<Answer> PublishUntilRefusedAsync(HttpClient http, Action acknowledged)
    {
        for (var i = 0; i < 1_000; i++)
        {
            var answer = await http.AskAsync("/pub?channel=c", Asking.Body(new string('x', 4_000), "text/plain"));
            if (answer.Status != 200) return answer;
            acknowledged();
        }

        throw new InvalidOperationException("The disk was not full.");
    }

    private static Task BecomesReadyAsync(HttpClient http) =>
        Eventually.TrueAsync(async () => (await http.AskAsync("/health/ready")).Status == 200, "The server is ready");
}
