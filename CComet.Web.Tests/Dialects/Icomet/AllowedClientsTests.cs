using System.Net;
using CComet.Web.Hosting.Icomet;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary>Who may call the admin address.</summary>
public sealed class AllowedClientsTests
{
    [Theory]
    [InlineData("", "127.0.0.1", true)]
    [InlineData("", "127.8.9.10", true)]
    [InlineData("", "::1", true)]
    [InlineData("", "::ffff:127.0.0.1", true)]
    [InlineData("", "192.168.0.1", false)]
    [InlineData("", "fe80::1", false)]
    [InlineData("192.168", "192.168.0.1", true)]
    [InlineData("192.168", "192.169.0.1", false)]
    [InlineData("192.16", "192.168.0.1", false)]
    [InlineData("192.168.", "192.168.7.9", true)]
    [InlineData("192.168", "127.0.0.1", false)]
    [InlineData("10", "10.1.2.3", true)]
    [InlineData("10", "100.1.2.3", false)]
    [InlineData("10.0.0.7", "10.0.0.7", true)]
    [InlineData("10.0.0.7", "10.0.0.77", false)]
    [InlineData("10.0.0.7", "::ffff:10.0.0.7", true)]
    [InlineData("10.0.0.0/8", "10.255.0.1", true)]
    [InlineData("10.0.0.0/8", "11.0.0.1", false)]
    [InlineData("10.0.0.0/8", "::ffff:10.0.0.1", true)]
    [InlineData("2001:db8::/32", "2001:db8::7", true)]
    [InlineData("2001:db8::/32", "2001:db9::7", false)]
    [InlineData("2001:db8::7", "2001:db8::7", true)]
    [InlineData("all", "203.0.113.9", true)]
    [InlineData("all", "2001:db8::7", true)]
    [InlineData("10 192.168", "192.168.0.1", true)]
    [InlineData("10 192.168", "172.16.0.1", false)]
    public void Rules_let_in_the_addresses_that_they_name(string rules, string address, bool allowed) =>
        Assert.Equal(allowed, new AllowedClients(rules.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Contains(IPAddress.Parse(address)));

    [Fact]
    public void Client_without_an_address_is_let_in_by_none() => Assert.False(new AllowedClients(["all"]).Contains(null));

    [Theory]
    [InlineData("all", true)]
    [InlineData("10", true)]
    [InlineData("192.168.", true)]
    [InlineData("10.0.0.0/8", true)]
    [InlineData("::1", true)]
    [InlineData("", false)]
    [InlineData("ALL", false)]
    [InlineData("localhost", false)]
    [InlineData("192.168.*", false)]
    [InlineData("256.1", false)]
    [InlineData("10.0.0.0/33", false)]
    [InlineData("1.2.3.4.5", false)]
    public void Rule_is_an_address_a_beginning_a_network_or_all(string text, bool isRule) => Assert.Equal(isRule, AllowedClients.IsRule(text));

    [Fact]
    public async Task Client_that_is_not_let_in_gets_403_at_every_path_of_the_admin_address_alone()
    {
        await using var server = await IcometServer.StartAsync("Memory", "CComet:Icomet:Allow=10.0.0.0/8,192.168");
        foreach (var path in (string[])["/push?cname=c&content=m", "/sign?cname=c", "/info", "/psub", "/nothing", "/"]) Assert.Equal(403, (await server.Admin.AskAsync(path)).Status);
        Assert.Equal(403, (await server.Admin.AskAsync("/push", new FormUrlEncodedContent([new("cname", "c"), new("content", "m")]))).Status);
        Assert.Equal(200, (await server.Front.AskAsync("/ping")).Status);
        Assert.Empty((await server.Server.Http.PeekAsync("c", ("seqid", "0"))).Elements);
    }

    [Fact]
    public async Task Header_of_the_client_changes_nothing()
    {
        await using var server = await IcometServer.StartAsync("Memory", "CComet:Icomet:Allow=10");
        Assert.Equal(403, (await server.Admin.AskAsync(HttpMethod.Get, "/info", headers: headers => headers.Add("X-Forwarded-For", "10.0.0.1"))).Status);
    }
}
