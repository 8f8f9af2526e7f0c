using System.Globalization;
using System.Net.Http.Json;
using CComet.Client;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Clients.DotNet;

/// <summary>What the .NET client holds while it runs, and after.</summary>
[Collection(Alone.Name)]
public sealed class ClientRemainsTests
{
    private const string Established = "01";

    [Fact]
    public async Task Stopped_client_leaves_no_socket_and_no_subscriber()
    {
        await using var server = await LiveServer.StartAsync();
        var client = new CCometClient(new Uri(server.Url));
        var subscriptions = Enumerable.Range(0, 3).Select(i => client.Subscribe($"c{i}")).ToArray();
        await Task.WhenAll(subscriptions.Select(s => s.Opened)).WaitAsync(Patience.Limit);
        await client.PublishAsync("c0", "x");
        Assert.NotEqual(0, Connections(server.Port));
        Assert.Equal(1, server.Hub.Find("c1")?.Waiting);
        await client.DisposeAsync();
        await Eventually.TrueAsync(() => Connections(server.Port) == 0, "The end of every connection");
        await Eventually.TrueAsync(() => Enumerable.Range(0, 3).All(i => (server.Hub.Find($"c{i}")?.Waiting ?? 0) == 0), "The end of every subscriber");
    }

    [Fact]
    public async Task Left_loop_ends_its_stream_while_the_client_goes_on()
    {
        await using var server = await LiveServer.StartAsync();
        await using var client = new CCometClient(new Uri(server.Url));
        await client.PublishAsync("a", "x");
        await foreach (var message in client.SubscribeAsync("a", new SubscribeOptions { From = CCometCursor.Start })) break;
        await Eventually.TrueAsync(() => (server.Hub.Find("a")?.Waiting ?? 0) == 0, "The end of the subscriber");
        Assert.Equal(1, (await client.PublishAsync("a", "y")).Seqid);
    }

    [Fact]
    public async Task Memory_does_not_grow_with_the_messages()
    {
        const int Warm = 10;
        const int Batches = 110;
        const int BatchSize = 1000;
        const long Allowed = 4 << 20;
        await using var server = await LiveServer.StartAsync("CComet:History:MaxMessages=2000");
        await using var client = new CCometClient(new Uri(server.Url));
        await using var subscription = client.Subscribe("a");
        await subscription.Opened.WaitAsync(Patience.Limit);
        await using var messages = subscription.GetAsyncEnumerator();
        var batch = Enumerable.Range(0, BatchSize).Select(i => new { channel = "a", msg = $"{i} {new string('x', 100)}" }).ToArray();
        var before = 0L;
        for (var i = 0; i < Batches; i++)
        {
            if (i == Warm) before = Heap.SettledBytes();
            using var answer = await server.Http.PostAsJsonAsync("/pub", batch);
            answer.EnsureSuccessStatusCode();
            for (var n = 0; n < BatchSize; n++) Assert.True(await messages.MoveNextAsync().AsTask().WaitAsync(Patience.Limit));
        }

        Assert.Equal((Batches * BatchSize) - 1, messages.Current.Seqid);
        var grown = Heap.SettledBytes() - before;
        Assert.True(grown < Allowed, $"{(Batches - Warm) * BatchSize} messages left {grown} bytes.");
    }

    /// <summary>Counts this process's side of the connections to a port, as the system lists them.</summary>
    private static int Connections(int port)
    {
        var suffix = string.Create(CultureInfo.InvariantCulture, $":{port:X4}");
        return File.ReadLines("/proc/net/tcp").Skip(1).Concat(File.ReadLines("/proc/net/tcp6").Skip(1))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Count(fields => fields[2].EndsWith(suffix, StringComparison.Ordinal) && fields[3] == Established);
    }
}
