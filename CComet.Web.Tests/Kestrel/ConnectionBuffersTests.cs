using System.Buffers;
using CComet.Kestrel;
using CComet.Web.Hosting;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CComet.Web.Tests.Kestrel;

/// <summary>A burst leaves as many buffers as were ever in use in one moment; they are used again, and given back when it is over.</summary>
[Collection(Alone.Name)]
public sealed class ConnectionBuffersTests
{
    private readonly ConnectionBuffers _buffers = new();

    [Fact]
    public async Task Server_reads_and_writes_with_pooled_buffers()
    {
        // Put together as the program does it: the factory of the other tests brings Kestrel's own pool in behind ours.
        var builder = WebApplication.CreateBuilder([$"--urls=http://127.0.0.1:{Ports.Take()}", "--CComet:Store:Kind=Memory"]);
        builder.Logging.ClearProviders();
        builder.AddCCometServer();
        await using var server = builder.Build();
        server.UseCComet();
        await server.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(server.Urls.First()) };
        Assert.Single((await http.AskAsync("/pub?channel=a&msg=m")).Elements);
        await Eventually.TrueAsync(() => server.Services.GetRequiredService<ConnectionBuffers>().Kept > 0, "A buffer is kept for the next request");
    }

    [Fact]
    public void Pooled_buffers_are_freed_once_the_burst_is_over()
    {
        using var pool = _buffers.Create();
        pool.Rent().Dispose();
        using var used = pool.Rent();
        pool.Rent().Dispose();
        Assert.Equal(1, _buffers.Kept);
        Burst.IsOver(_buffers);
        Assert.Equal(0, _buffers.Kept);
    }

    [Fact]
    public void Returned_buffer_is_used_again_and_no_two_rents_share_one()
    {
        using var pool = _buffers.Create();
        var first = pool.Rent();
        var second = pool.Rent(ConnectionBuffers.BufferBytes);
        Assert.False(first.Memory.Span == second.Memory.Span);
        Assert.Equal(ConnectionBuffers.BufferBytes, first.Memory.Length);

        first.Dispose();
        Assert.Equal(1, _buffers.Kept);
        Assert.Same(first, pool.Rent());
        Assert.Equal(0, _buffers.Kept);
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(ConnectionBuffers.BufferBytes + 1));
    }

    [Fact]
    public void Buffer_in_use_outlives_its_pool_and_is_not_kept()
    {
        IMemoryOwner<byte> used;
        using (var pool = _buffers.Create())
        {
            used = pool.Rent();
            pool.Rent().Dispose();
        }

        used.Memory.Span.Fill(1);
        used.Dispose();
        Assert.Equal(0, _buffers.Kept);
    }
}
