using System.Text.Json;
using CComet.Client.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace CComet.Client.Tests;

/// <summary>Cursors, registration, and what an application's own tests replace.</summary>
public sealed class SurfaceTests
{
    [Theory]
    [InlineData("start")]
    [InlineData("now")]
    [InlineData("e:0")]
    [InlineData("a:b:9223372036854775807")]
    public void Cursor_is_what_its_text_says(string text)
    {
        Assert.Equal(text, CCometCursor.Parse(text).ToString());
        Assert.Equal(CCometCursor.Parse(text), JsonSerializer.Deserialize<CCometCursor>(JsonSerializer.Serialize(CCometCursor.Parse(text))));
        Assert.True(CCometCursor.Parse(text) == CCometCursor.Parse(text) && CCometCursor.Parse(text) != new CCometCursor("x", 1));
    }

    [Theory]
    [InlineData("")]
    [InlineData("e")]
    [InlineData(":5")]
    [InlineData("e:")]
    [InlineData("e:-1")]
    [InlineData("e:1.5")]
    [InlineData("e:99999999999999999999")]
    public void Text_that_is_no_cursor_is_refused(string text)
    {
        Assert.False(CCometCursor.TryParse(text, out _));
        Assert.Throws<FormatException>(() => CCometCursor.Parse(text));
    }

    [Fact]
    public async Task Registered_client_goes_by_the_factory_and_is_one()
    {
        using var server = new ScriptedServer();
        var services = new ServiceCollection();
        services.AddCCometClient(new Uri("http://server/base"), (_, options) => options.Sname = "ann").ConfigurePrimaryHttpMessageHandler(() => server);
        await using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<CCometClient>();
        Assert.Same(client, provider.GetRequiredService<CCometClient>());
        var publishing = client.PublishAsync("a", "x");
        var request = await server.NextAsync();
        Assert.Contains("\"sname\":\"ann\"", request.Body, StringComparison.Ordinal);
        request.Respond(200, Sent.Receipt("a", 4));
        Assert.Equal(4, (await publishing.InTime()).Seqid);
    }

    [Fact]
    public async Task Container_that_is_not_disposed_of_asynchronously_ends_the_client()
    {
        using var server = new ScriptedServer();
        var services = new ServiceCollection();
        services.AddCCometClient(new Uri("http://server/base")).ConfigurePrimaryHttpMessageHandler(() => server);
        CCometSubscription subscription;
        using (var provider = services.BuildServiceProvider()) subscription = provider.GetRequiredService<CCometClient>().Subscribe("a");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => subscription.Opened.InTime());
    }

    [Fact]
    public async Task Application_can_replace_the_client_in_its_tests()
    {
        await using CCometClient client = new Mock();
        var texts = new List<string>();
        await foreach (var m in client.SubscribeAsync("lobby")) texts.Add(m.Text);
        Assert.Equal(["hi"], texts);
        Assert.Equal(7, (await client.PublishAsync("lobby", "x")).Seqid);
    }

    private sealed class Mock : CCometClient
    {
        public override async IAsyncEnumerable<CCometMessage> SubscribeAsync(string channel, SubscribeOptions? options = null, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            yield return new CCometMessage(channel, JsonSerializer.SerializeToElement("hi"), new CCometCursor("e", 1));
        }

        public override Task<CCometReceipt> PublishAsync(string channel, CCometPayload payload, CancellationToken cancellationToken = default) => Task.FromResult(new CCometReceipt(channel, "e", 7));
    }
}
