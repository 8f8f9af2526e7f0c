using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary>Two nodes on one Redis, each with the addresses of icomet's dialect.</summary>
public sealed class IcometNodes : IAsyncDisposable
{
    private readonly RedisServer _redis;

    private IcometNodes(RedisServer redis, IcometServer a, IcometServer b) => (_redis, A, B) = (redis, a, b);

    public IcometServer A { get; }

    public IcometServer B { get; }

    /// <summary>The address of the Redis.</summary>
    public string Redis => _redis.Address;

    public static Task<IcometNodes> StartAsync(params string[] settings) => StartAsync(null, settings);

    /// <summary>Starts them with one clock that the test turns.</summary>
    public static async Task<IcometNodes> StartAsync(TimeProvider? time, params string[] settings)
    {
        var redis = await RedisServer.StartAsync();
        string[] all = [$"CComet:Store:Redis={redis.Address}", .. settings];
        return new IcometNodes(redis, await IcometServer.StartAsync(time, "Redis", all), await IcometServer.StartAsync(time, "Redis", all));
    }

    public async ValueTask DisposeAsync()
    {
        await A.DisposeAsync();
        await B.DisposeAsync();
        await _redis.DisposeAsync();
    }
}
