using System.Text.Json;
using System.Text.Json.Nodes;
using CComet.Client.Tests.Support;

namespace CComet.Client.Tests;

/// <summary>How a message is published, and again when nobody knows whether it was.</summary>
public sealed class PublishTests : IAsyncDisposable
{
    private readonly Fixture _fixture = new(options =>
    {
        options.Sname = "ann";
        options.Headers["X-Tenant"] = "t";
    });

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Request_has_what_was_given_and_the_receipt_what_the_server_told()
    {
        var publishing = _fixture.Client.PublishAsync("a", "ä\"<😀", new PublishOptions { Id = "m-1" });
        var request = await _fixture.Server.NextAsync();
        Assert.Equal(("POST", "/pub", "t"), (request.Method, request.PathAndQuery, request.Header("X-Tenant")));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("""{"channel":"a","msg":"ä\"<😀","sname":"ann","id":"m-1"}"""), JsonNode.Parse(request.Body)), request.Body);
        request.Respond(200, Sent.Receipt("a", 3, isDuplicate: true) + "\n");
        var receipt = await publishing.InTime();
        Assert.Equal(("a", "e", 3L, true), (receipt.Channel, receipt.Epoch, receipt.Seqid, receipt.Duplicate));
    }

    [Fact]
    public async Task Each_kind_of_payload_is_sent_as_its_JSON()
    {
        using var document = JsonDocument.Parse("""{"n":1}""");
        var payloads = new (CCometPayload Payload, string Json)[]
        {
            ("text", "\"text\""), (document.RootElement, """{"n":1}"""), (new JsonArray(1, null), "[1,null]"),
            (CCometPayload.From(new Point(1, 2), PayloadJson.Default.Point), """{"X":1,"Y":2}"""),
        };
        foreach (var (payload, json) in payloads)
        {
            var publishing = _fixture.Client.PublishAsync("a", payload);
            var request = await _fixture.Server.NextAsync();
            Assert.Equal(json, JsonNode.Parse(request.Body)!["msg"]!.ToJsonString());
            request.Respond(200, Sent.Receipt("a", 0));
            await publishing.InTime();
        }
    }

    [Fact]
    public async Task Publish_without_an_answer_is_repeated_with_the_same_id()
    {
        var publishing = _fixture.Client.PublishAsync("a", "x");
        var first = await _fixture.Server.NextAsync();
        first.Break();
        await _fixture.Time.PassAsync(TimeSpan.FromSeconds(0.5));
        var second = await _fixture.Server.NextAsync();
        second.Refuse(503);
        await _fixture.Time.PassAsync(TimeSpan.FromSeconds(1));
        var third = await _fixture.Server.NextAsync();
        third.Refuse(429, null, "slow", ("Retry-After", "3"));
        await _fixture.Time.PassAsync(TimeSpan.FromSeconds(3.5));
        var fourth = await _fixture.Server.NextAsync();
        fourth.Respond(200, "<html>");
        await _fixture.Time.PassAsync(TimeSpan.FromSeconds(4));
        var fifth = await _fixture.Server.NextAsync();
        fifth.Respond(200, Sent.Receipt("a", 0, isDuplicate: true));
        Assert.True((await publishing.InTime()).Duplicate);
        Assert.Single(new[] { first, second, third, fourth, fifth }.Select(request => request.Body).Distinct());
        Assert.Equal(32, ((string)JsonNode.Parse(first.Body)!["id"]!).Length);
    }

    [Fact]
    public async Task Request_that_is_not_answered_is_repeated_after_15_seconds()
    {
        var publishing = _fixture.Client.PublishAsync("a", "x");
        var first = await _fixture.Server.NextAsync();
        await _fixture.Time.PassAsync(TimeSpan.FromSeconds(15));
        await first.Abandoned.InTime();
        await _fixture.Time.PassAsync(TimeSpan.FromSeconds(0.5));
        (await _fixture.Server.NextAsync()).Respond(200, Sent.Receipt("a", 0));
        await publishing.InTime();
    }

    [Fact]
    public async Task Publish_fails_with_the_last_reason_when_its_time_is_over()
    {
        var publishing = _fixture.Client.PublishAsync("a", "x", new PublishOptions { Timeout = TimeSpan.FromSeconds(2) });
        (await _fixture.Server.NextAsync()).Refuse(503, null, "draining");
        await _fixture.Time.PassAsync(TimeSpan.FromSeconds(0.5));
        (await _fixture.Server.NextAsync()).Refuse(503, null, "draining still", ("Retry-After", "60"));
        var error = await Assert.ThrowsAsync<CCometException>(() => publishing.InTime());
        Assert.Equal((503, "draining still"), (error.Status, error.Detail));
    }

    [Theory]
    [InlineData(400)]
    [InlineData(401)]
    [InlineData(403)]
    [InlineData(413)]
    public async Task Final_refusal_is_not_repeated(int status)
    {
        var publishing = _fixture.Client.PublishAsync("a", "x");
        (await _fixture.Server.NextAsync()).Refuse(status);
        Assert.Equal((status, "channel"), (await Assert.ThrowsAsync<CCometException>(() => publishing.InTime()) is var error ? error.Status : 0, error.Parameter));
        Assert.Equal(0, _fixture.Time.Living);
    }

    [Fact]
    public async Task Cancellation_ends_a_publish_that_waits()
    {
        using var cancel = new CancellationTokenSource();
        var publishing = _fixture.Client.PublishAsync("a", "x", cancel.Token);
        (await _fixture.Server.NextAsync()).Break();
        await _fixture.Time.ArmedAsync(TimeSpan.FromSeconds(0.5));
        await cancel.CancelAsync();
        Assert.Equal(cancel.Token, (await Assert.ThrowsAsync<OperationCanceledException>(() => publishing.InTime())).CancellationToken);
        Assert.Equal(0, _fixture.Time.Living);
    }

    [Fact]
    public async Task Bad_arguments_are_named()
    {
        var client = _fixture.Client;
        await NamedAsync("channel", () => client.PublishAsync("", "x"));
        await NamedAsync("payload", () => client.PublishAsync("a", default(CCometPayload)));
        await NamedAsync("id", () => client.PublishAsync("a", "x", new PublishOptions { Id = new string('x', 201) }));
        await NamedAsync("sname", () => client.PublishAsync("a", "x", new PublishOptions { Sname = "\u0001" }));
        await NamedAsync("timeout", () => client.PublishAsync("a", "x", new PublishOptions { Timeout = TimeSpan.Zero }));
        Assert.StartsWith("text: ", Assert.ThrowsAny<ArgumentException>(() => CCometPayload.FromText(null!)).Message, StringComparison.Ordinal);
        Assert.StartsWith("url: ", Assert.ThrowsAny<ArgumentException>(() => new CCometClient(new Uri("/relative", UriKind.Relative))).Message, StringComparison.Ordinal);
        Assert.StartsWith("BufferSize: ", Assert.ThrowsAny<ArgumentException>(() => new CCometClient(new Uri("http://x"), new CCometClientOptions { BufferSize = 0 })).Message, StringComparison.Ordinal);
    }

    private static async Task NamedAsync(string parameter, Func<Task> call) =>
        Assert.StartsWith($"{parameter}: ", (await Assert.ThrowsAnyAsync<ArgumentException>(call)).Message, StringComparison.Ordinal);
}

/// <summary>A value of an application.</summary>
internal sealed record Point(int X, int Y);

/// <summary>How it is written.</summary>
[System.Text.Json.Serialization.JsonSerializable(typeof(Point))]
internal sealed partial class PayloadJson : System.Text.Json.Serialization.JsonSerializerContext;
