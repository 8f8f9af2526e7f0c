using System.Security.Cryptography;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace CComet.Web.Tests.Hosting.Access;

/// <summary>What one server has sealed, another one opens: after a restart, and on every node.</summary>
public sealed class SealingTests : IDisposable
{
    private const string Purpose = "CComet.Test";

    private static readonly byte[] Secret = [1, 2, 3];

    /// <summary>Of a key that is not known.</summary>
    private static readonly byte[] Payload = [0x09, 0xF0, 0xC9, 0xF0, .. Guid.NewGuid().ToByteArray(), .. new byte[64]];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ccomet-sealing-");

    private string File => Path.Combine(_folder.FullName, "ccomet.db");

    private string Log => Path.Combine(_folder.FullName, "log");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Sealed_is_opened_after_a_restart_and_for_its_purpose_alone()
    {
        string text;
        await using (var before = await OnFileAsync()) text = Protector(before).Protect("secret");
        await using var after = await OnFileAsync();
        Assert.Equal("secret", Protector(after).Unprotect(text));
        Assert.Equal("secret", Protector(after).Unprotect(Protector(after).Protect("secret")));
        foreach (var purpose in (string[])[Purpose + "s", "ccomet.test"]) Assert.Null(Assert.Throws<CryptographicException>(() => Protector(after, purpose).Unprotect(text)).InnerException);
        Assert.Throws<CryptographicException>(() => Protector(after).CreateProtector("more").Unprotect(text));
        Assert.Throws<CryptographicException>(() => Protector(after).Unprotect(text[..^4] + "AAAA"));
        Assert.Throws<CryptographicException>(() => Protector(after).Unprotect(""));
        Assert.Throws<CryptographicException>(() => Protector(after).Unprotect(Payload));
        Assert.Equal(1, Keys());
    }

    [Fact]
    public async Task Keys_that_are_lost_open_nothing_any_more()
    {
        string text;
        await using (var before = await LiveServer.StartAsync()) text = Protector(before).Protect("secret");
        await using var after = await LiveServer.StartAsync();
        Assert.Throws<CryptographicException>(() => Protector(after).Unprotect(text));
    }

    [Fact]
    public async Task Start_reads_no_keys_and_the_first_sealing_makes_one_without_a_word_of_warning()
    {
        await using (var server = await OnFileAsync("Serilog:MinimumLevel:Default=Warning", "Serilog:WriteTo:0:Name=File", $"Serilog:WriteTo:0:Args:path={Log}"))
        {
            Assert.Equal(200, (await server.Http.AskAsync("/health/ready")).Status);
            Assert.Equal(0, Keys());
            Protector(server).Protect("secret");
            Assert.Equal(1, Keys());
        }

        Assert.False(System.IO.File.Exists(Log), System.IO.File.Exists(Log) ? await System.IO.File.ReadAllTextAsync(Log) : "");
    }

    [Fact]
    public async Task Sealed_on_one_node_is_opened_on_the_other_though_both_began_at_once()
    {
        await using var redis = await RedisServer.StartAsync();
        var nodes = await Task.WhenAll(OnRedisAsync(redis), OnRedisAsync(redis));
        var texts = await Task.WhenAll(nodes.Select(node => Task.Run(() => Protector(node).Protect("secret"))));
        foreach (var node in nodes)
        {
            foreach (var text in texts) Assert.Equal("secret", Protector(node).Unprotect(text));
            Assert.Throws<CryptographicException>(() => Protector(node, "other").Unprotect(texts[0]));
        }

        Assert.Equal("-1", redis.Ask("PTTL", "ccomet:keys"));
        foreach (var node in nodes) await node.DisposeAsync();

        // Redis keeps them over its own restart and that of the nodes.
        await redis.RestartAsync();
        await using var later = await OnRedisAsync(redis);
        foreach (var text in texts) Assert.Equal("secret", Protector(later).Unprotect(text));
    }

    [Fact]
    public async Task Key_that_another_node_has_made_later_is_found_when_something_comes_that_it_has_sealed()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var old = await OnRedisAsync(redis);
        var before = Protector(old).Protect("before");
        redis.Ask("DEL", "ccomet:keys");
        await using var fresh = await OnRedisAsync(redis);
        var text = Protector(fresh).Protect("secret");
        Assert.Equal("secret", Protector(old).Unprotect(text));
        Assert.Equal("again", Protector(fresh).Unprotect(Protector(old).Protect("again")));
        Assert.Throws<CryptographicException>(() => Protector(fresh).Unprotect(before));
    }

    [Fact]
    public async Task Redis_that_is_away_at_the_start_stops_no_start_and_is_told_by_the_sealing_until_it_is_back()
    {
        await using var redis = await RedisServer.StartAsync();
        await redis.KillAsync();
        await using var server = await OnRedisAsync(redis);
        Assert.Equal(200, (await server.Http.AskAsync("/health/live")).Status);
        Assert.Throws<StoreUnavailableException>(() => Protector(server).Protect(Secret));
        Assert.Throws<StoreUnavailableException>(() => Protector(server).Unprotect(Payload));
        await redis.RunAsync();
        Assert.True(await Eventually.AnsweredAsync(() => Task.FromResult(Opens(server)), "Sealing"));

        // What was read once goes on without Redis.
        await redis.KillAsync();
        Assert.True(Opens(server));
    }

    private static bool Opens(LiveServer server) => Protector(server).Unprotect(Protector(server).Protect(Secret)).SequenceEqual(Secret);

    private static IDataProtector Protector(LiveServer server, string purpose = Purpose) => server.Services.GetRequiredService<IDataProtectionProvider>().CreateProtector(purpose);

    private static Task<LiveServer> OnRedisAsync(RedisServer redis) => LiveServer.StartAsync("CComet:Store:Kind=Redis", $"CComet:Store:Redis={redis.Address}");

    private Task<LiveServer> OnFileAsync(params string[] settings) => LiveServer.StartAsync(["CComet:Store:Kind=Sqlite", $"CComet:Store:Path={File}", .. settings]);

    private long Keys()
    {
        using var connection = new SqliteConnection($"Data Source={File};Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT COUNT(*) FROM records WHERE kind = 'keys'";
        return (long)command.ExecuteScalar()!;
    }
}
