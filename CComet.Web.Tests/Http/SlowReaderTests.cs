using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Http;

/// <summary>Clients that take their answers one byte at a time, or not at all. Memory is measured, so nothing runs beside.</summary>
[Collection(Alone.Name)]
public sealed class SlowReaderTests
{
    private const int Readers = 40;
    private const int MessageLength = 250_000;
    private const int Messages = 64;

    /// <summary>What one answer brings at least: more than the system's socket buffers take off the server's hands.</summary>
    private const int AnswerBytes = 4 << 20;

    [Theory]
    [InlineData(false, "")]
    [InlineData(true, "")]
    [InlineData(true, "&callback=f")]
    public async Task Slow_readers_hold_up_no_other_and_hold_little_memory_each(bool followed, string callback)
    {
        await using var server = await LiveServer.StartAsync("CComet:Limits:MessageBytes=250000", "CComet:History:MaxBytes=20000000", "CComet:Poll:Timeout=00:10:00");

        // What is read comes from the memory of a channel that is followed, or else from the store: either must be shared.
        if (followed) await server.Http.PeekAsync("big");
        for (var i = 0; i < Messages; i++) await server.Http.AskAsync("/pub?channel=big", Asking.Body(new string((char)('a' + (i % 26)), MessageLength), "text/plain"));
        var before = GC.GetTotalMemory(forceFullCollection: true);

        var readers = new List<RawHttp>();
        try
        {
            for (var i = 0; i < Readers; i++)
            {
                readers.Add(await RawHttp.ConnectAsync(server.Port, receiveBuffer: 4096));

                // Each from a place of its own, so that no two can share an answer.
                await readers[i].SendAsync(RawHttp.Get($"/sub?channel=big&seqid={i}{callback}"));
            }

            foreach (var reader in readers) Assert.Equal('H', await reader.ReadByteAsync());
            Assert.Equal(Readers, server.Hub.SubscriberCount);
            for (var i = 0; i < 200; i++)
            {
                foreach (var reader in readers) Assert.NotEqual(-1, await reader.ReadByteAsync());
                if (i % 10 > 0) continue;
                await server.PublishAsync("other", $"{i}");
                Assert.Equal((i / 10) + 1, (await server.Http.KeptAsync("other")).Length);
            }

            // An eighth of its answer each at most: the pipes and buffers of a connection, and room for what the runtime keeps.
            var held = GC.GetTotalMemory(forceFullCollection: true) - before;
            Assert.True(held < Readers * (AnswerBytes / 8), $"{Readers} slow readers hold {held:N0} bytes.");
        }
        finally
        {
            foreach (var reader in readers) reader.Dispose();
        }

        await Eventually.TrueAsync(() => server.Hub.SubscriberCount == 0, "Freeing of every subscriber");
    }

    [Fact]
    public async Task Reader_that_was_slow_for_long_has_the_whole_answer_in_the_end()
    {
        await using var server = await LiveServer.StartAsync("CComet:Limits:MessageBytes=250000", "CComet:History:MaxBytes=20000000");
        for (var i = 0; i < 10; i++) await server.Http.AskAsync("/pub?channel=c", Asking.Body(new string('x', MessageLength), "text/plain"));
        using var reader = await RawHttp.ConnectAsync(server.Port, receiveBuffer: 4096);
        await reader.SendAsync("GET /pub?channel=d&msg=m HTTP/1.1\r\nHost: x\r\n\r\nGET /sub?channel=c&seqid=0 HTTP/1.1\r\nHost: x\r\n\r\n");
        await Eventually.TrueAsync(() => server.Hub.Find("c") is not null, "Reaching of the poll");
        await server.PublishAsync("c", "later");
        Assert.Single((await reader.ReadAsync())!.Elements);
        Assert.InRange((await reader.ReadAsync())!.Elements.Length, 10, 11);
    }
}
