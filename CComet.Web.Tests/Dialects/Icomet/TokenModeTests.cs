using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary>In mode Token icomet's clients come by what <c>/sign</c> gives for one channel, and its services by their address.</summary>
public sealed class TokenModeTests
{
    [Fact]
    public async Task Token_of_sign_is_a_right_to_its_channel_alone()
    {
        await using var server = await IcometServer.StartAsync("Memory", [.. TokenServer.Settings, "CComet:Icomet:Auth=token"]);
        var token = (await server.AskAsync("/sign", ("cname", "c"))).GetProperty("token").GetString()!;
        await server.PushAsync("c", "m");
        Assert.Equal("m", (await server.PollAsync(("cname", "c"), ("seq", "1"), ("token", token))).EnumerateArray().Single().Content());
        foreach (var path in (string[])["/sub", "/poll", "/stream"])
        {
            foreach (var query in (string[])["cname=c", $"cname=other&token={token}"]) Assert.Equal("401", (await server.Front.AskAsync($"{path}?{query}&seq=1")).Json.Type());
        }
    }

    [Fact]
    public async Task Token_of_sign_opens_nothing_on_the_servers_own_address()
    {
        await using var server = await IcometServer.StartAsync("Memory", [.. TokenServer.Settings, "CComet:Icomet:Auth=token"]);
        var token = (await server.AskAsync("/sign", ("cname", "c"))).GetProperty("token").GetString()!;
        (await server.Server.Http.AskAsync(HttpMethod.Get, "/sub?channel=c&wait=0", null, headers => headers.Add("Authorization", $"Bearer {token}"))).AssertProblem(401);
        (await server.Server.Http.AskAsync($"/sub?channel=c&wait=0&ticket={token}")).AssertProblem(401);
    }
}
