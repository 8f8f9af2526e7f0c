using CComet.Web.Tests.Support;
using CComet.Webhooks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CComet.Web.Tests.Redis;

/// <summary>A webhook whose store goes away, and comes back.</summary>
public sealed class RedisWebhookTests
{
    [Fact]
    public async Task Each_time_that_the_store_is_away_is_logged_once_and_nothing_is_lost()
    {
        const string Away = "How far the webhook app has come cannot be read or kept";
        await using var redis = await RedisServer.StartAsync();
        await using var receiver = await WebhookReceiver.StartAsync();
        var log = new LogLines<WebhookService>();
        string[] settings = ["CComet:Store:Kind=Redis", $"CComet:Store:Redis={redis.Address}"];
        await using var server = await LiveServer.StartAsync(0, new CCometFactory(receiver.Settings("*", settings)) { OnServices = services => services.AddSingleton<ILogger<WebhookService>>(log) });
        for (var outage = 1; outage <= 2; outage++)
        {
            await server.PublishAsync("c", $"{outage}");
            await receiver.TakeAsync(outage);
            await redis.KillAsync();
            await Eventually.TrueAsync(() => log.Count(Away) == outage, $"A line about outage {outage}");
            await redis.RunAsync();
            await Eventually.TrueAsync(async () => (await server.Http.GetAsync("/health/ready")).IsSuccessStatusCode, "A store that is back");
        }

        await server.PublishAsync("c", "3");
        Assert.Equal(["1", "2", "3"], (await receiver.TakeAsync(3)).Select(one => one.GetProperty("msg").GetString()));
        Assert.Equal(2, log.Count(Away));
    }
}
