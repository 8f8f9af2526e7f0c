using System.Net;
using System.Text;
using CComet.Diagnostics;
using CComet.Web.Hosting.Webhooks;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace CComet.Web.Tests.Webhooks;

/// <summary>What the settings of webhooks may be, and to which addresses they may lead.</summary>
public sealed class WebhookSettingsTests
{
    private static readonly string[] Good =
    [
        "CComet:Hooks:0:Name=app", "CComet:Hooks:0:Url=https://app.example/hook", "CComet:Hooks:0:Channels=room.*", $"CComet:Hooks:0:Secret={WebhookReceiver.Secret}",
    ];

    [Theory]
    [InlineData("CComet:Hooks:0:Name: 'a b' must be 1 to 64 letters, digits, '-', '_' or '.'.", "CComet:Hooks:0:Name=a b")]
    [InlineData("CComet:Hooks:0:Url: must be an absolute address that begins with https:// or http://, such as https://app.example/hook.", "CComet:Hooks:0:Url=app.example")]
    [InlineData("CComet:Hooks:0:Channels: 'inbox.{sub}' has {sub}, which stands for a caller's own name; here it means nothing.", "CComet:Hooks:0:Channels=inbox.{sub}")]
    [InlineData("CComet:Hooks:0:Events=Massage: must be one of Message, Join, Leave, Occupied, Vacated", "CComet:Hooks:0:Events=Massage")]
    [InlineData("CComet:Hooks:0:Events: Join is told of channels with presence, and CComet:Presence:Channels is empty.", "CComet:Hooks:0:Events=Join,Message")]
    [InlineData("CComet:Hooks:0:Secret: must be whsec_ and 24 to 64 bytes in base64; make one by: echo whsec_$(openssl rand -base64 32).", "CComet:Hooks:0:Secret=s3cret")]
    [InlineData("CComet:Hooks:0:Networks: '10.1' is no address such as 10.0.0.1, and no network such as 10.0.0.0/8.", "CComet:Hooks:0:Networks=10.1")]
    [InlineData("CComet:Hooks: 'app' is the name of 2 hooks; each needs its own.", "CComet:Hooks:1:Name=app", "CComet:Hooks:1:Url=https://other.example", "CComet:Hooks:1:Channels=*", "CComet:Hooks:1:Secret=" + WebhookReceiver.Secret)]
    [InlineData("CComet:Hooks:0:Name is missing", "CComet:Hooks:0:Name=")]
    public async Task Setting_that_cannot_hold_is_told_by_its_name(string problem, params string[] settings)
    {
        var e = await Assert.ThrowsAnyAsync<Exception>(() => LiveServer.StartAsync([.. Good.Where(good => !settings.Any(setting => setting.Split('=')[0] == good.Split('=')[0])), .. settings]));
        Assert.Contains(problem, e.ToString().Replace(": is missing, and must", " is missing, and must", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", e.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:3000/hook", "127.0.0.1")]
    [InlineData("http://10.1.2.3/hook", "10.1.2.3")]
    [InlineData("http://[::1]/hook", "::1")]
    [InlineData("http://[fd00::1]/hook", "fd00::1")]
    [InlineData("http://169.254.169.254/latest/meta-data/", "169.254.169.254")]
    [InlineData("http://2130706433/hook", "127.0.0.1")]
    public async Task Address_that_is_not_public_is_refused_at_the_start_outside_of_development(string url, string address)
    {
        string[] settings = [.. Good, $"CComet:Hooks:0:Url={url}", "environment=Production", "CComet:Auth:Mode=Open"];
        var e = await Assert.ThrowsAnyAsync<Exception>(() => LiveServer.StartAsync(settings));
        Assert.Contains($"CComet:Hooks:0:Url: its address {address} is not public; list it in CComet:Hooks:0:Networks to post to it.", e.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Name_that_means_an_address_that_is_not_public_is_not_posted_to_unless_it_is_listed()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        string[] settings = [.. receiver.Settings("*"), $"CComet:Hooks:0:Url={receiver.Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal)}", "environment=Production", "CComet:Auth:Mode=Open"];
        await using (var server = await LiveServer.StartAsync(settings))
        {
            await server.PublishAsync("c", "one");
            await Eventually.TrueAsync(() => Failures(Encoding.UTF8.GetString(server.Services.GetRequiredService<MetricsText>().Encode(isOpenMetrics: true))) > 0, "A failure that is counted");
            Assert.Empty(receiver.Posts);
        }

        await using var listing = await LiveServer.StartAsync([.. settings, "CComet:Hooks:0:Networks=127.0.0.0/8,::1"]);
        await listing.PublishAsync("c", "one");
        await receiver.TakeAsync(1);
    }

    [Theory]
    [InlineData("93.184.216.34", true)]
    [InlineData("2606:2800:220:1::1", true)]
    [InlineData("100.64.0.1", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("192.168.1.1", false)]
    [InlineData("172.31.255.255", false)]
    [InlineData("172.32.0.1", true)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("::", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("::ffff:8.8.8.8", true)]
    [InlineData("64:ff9b::a00:1", false)]
    [InlineData("64:ff9b::808:808", true)]
    [InlineData("2002:7f00:1::1", false)]
    [InlineData("fe80::1%1", false)]
    [InlineData("::127.0.0.1", false)]
    public void Addresses_of_the_internet_are_told_from_others(string address, bool isPublic) => Assert.Equal(isPublic, PublicAddresses.Contains(IPAddress.Parse(address)));

    private static double Failures(string metrics) =>
        metrics.Split('\n').Where(line => line.StartsWith("ccomet_webhook_failures_total{", StringComparison.Ordinal)).Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], null));
}
