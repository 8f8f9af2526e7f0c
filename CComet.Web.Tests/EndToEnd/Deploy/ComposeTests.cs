using System.Text.Json;
using System.Text.RegularExpressions;
using CComet.Web.Hosting;
using CComet.Web.Tests.Docs;

namespace CComet.Web.Tests.EndToEnd.Deploy;

/// <summary><c>docker-compose.yml</c> and <c>deploy/two-nodes.sh</c> run the same, and name what there is.</summary>
public sealed class ComposeTests
{
    private static string Compose => Documents.Read("docker-compose.yml");

    private static string Script => Documents.Read("deploy/two-nodes.sh");

    [Theory]
    [InlineData("nginx.conf")]
    [InlineData("redis.conf")]
    public void Compose_and_script_use_the_one_configuration_in_deploy(string name)
    {
        Assert.Contains($"./deploy/{name}:/etc/", Compose, StringComparison.Ordinal);
        Assert.Contains($"$root/deploy/{name}", Script, StringComparison.Ordinal);
    }

    [Fact]
    public void Compose_and_script_fill_in_every_variable_of_the_balancer_and_no_other()
    {
        var wanted = Names(@"\$\{(CCOMET_\w+)\}", Documents.Read("deploy/nginx.conf"));
        Assert.NotEmpty(wanted);
        Assert.Equal(wanted, Names(@"^fill_in (CCOMET_\w+) ", Script));
        Assert.Equal(wanted, Names(@"^      (CCOMET_\w+): ", Compose));
    }

    [Fact]
    public void Every_setting_of_compose_and_script_exists_and_both_name_the_same_store()
    {
        var settings = Names(@"\bCComet__(\w+)", Compose + Script + Documents.Read("Dockerfile"));
        Assert.Superset(new HashSet<string> { "Store__Kind", "Store__Redis", "Store__Path" }, settings.ToHashSet());
        Assert.All(settings, setting => Assert.True(Exists(setting), $"There is no setting {setting}."));
        Assert.Equal([nameof(StoreKind.Redis)], Names(@"CComet__Store__Kind(?:: |=)(\w+)", Compose + Script));
        Assert.Single(Names(@"CComet__Store__Redis(?:: |="")[^,""\s]*((?:,[^""\s]*)?)", Compose + Script));
    }

    /// <summary>Or all clients would count as one.</summary>
    [Fact]
    public void Nodes_list_the_balancer_as_their_proxy()
    {
        var balancer = Compose[Compose.IndexOf("  balancer:", StringComparison.Ordinal)..];
        var address = Names(@"ipv4_address: (.+)$", balancer).Single();
        Assert.Equal([address], Names("CComet__Proxies: (.+)$", Compose));
        Assert.Equal(["127.0.0.1"], Names("CComet__Proxies=(.+)$", Script));
    }

    [Fact]
    public void Compose_lets_a_node_drain_before_it_is_killed()
    {
        var grace = TimeSpan.Parse(Names(@"CComet__Drain__Grace: ""([\d:]+)""", Compose).Single(), System.Globalization.CultureInfo.InvariantCulture);
        var node = Compose[..Compose.IndexOf("services:", StringComparison.Ordinal)];
        var patience = Names(@"stop_grace_period: (\d+)s", node).Single();
        Assert.True(int.Parse(patience, System.Globalization.CultureInfo.InvariantCulture) > grace.TotalSeconds + SecondsAfterGrace);
    }

    /// <summary>How long the host lets a stop take once the grace is over.</summary>
    private const int SecondsAfterGrace = 30;

    private static string[] Names(string pattern, string text) =>
        [.. Regex.Matches(text, pattern, RegexOptions.Multiline).Select(m => m.Groups[1].Value).Distinct().Order(StringComparer.Ordinal)];

    private static bool Exists(string setting)
    {
        var element = JsonDocument.Parse(Documents.Read("CComet.Web/appsettings.json")).RootElement.GetProperty("CComet");
        return setting.Split("__").All(name => element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out element));
    }
}
