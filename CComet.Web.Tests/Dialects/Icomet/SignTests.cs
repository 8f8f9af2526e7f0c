using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Dialects.Icomet;

/// <summary><c>/sign</c>: what an application gives to its pages before they subscribe.</summary>
public sealed class SignTests(IcometStores stores) : IClassFixture<IcometStores>
{
    public static TheoryData<string> Stores => IcometServer.Stores;

    [Theory, MemberData(nameof(Stores))]
    public async Task Sign_tells_type_cname_seq_token_expires_and_sub_timeout(string store)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        var sign = await server.AskAsync("/sign", ("cname", channel));
        Assert.Equal(["type", "cname", "seq", "token", "expires", "sub_timeout"], sign.EnumerateObject().Select(member => member.Name));
        Assert.Equal(("sign", 1L), (sign.Type(), sign.Seq()));
        Assert.Equal(channel, sign.GetProperty("cname").GetString());
        Assert.NotEmpty(sign.GetProperty("token").GetString()!);
        Assert.Equal((30, 28), (sign.GetProperty("expires").GetInt32(), sign.GetProperty("sub_timeout").GetInt32()));
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Seq_of_sign_is_that_of_the_first_message_kept(string store)
    {
        var (server, channel) = (stores[store], Asking.NewChannel());
        await server.PushAsync(channel, "one");
        await server.PushAsync(channel, "two");
        var sign = await server.AskAsync("/sign", ("cname", channel));
        Assert.Equal(["one", "two"], (await server.PollAsync(("cname", channel), ("seq", $"{sign.Seq()}"))).Contents());
    }

    [Theory]
    [InlineData("120", 120)]
    [InlineData("0", 30)]
    [InlineData("-1", 30)]
    [InlineData("99999999999", 365 * 24 * 3600)]
    public async Task Expires_that_is_asked_for_is_told(string expires, int told) =>
        Assert.Equal(told, (await stores["Memory"].AskAsync("/sign", ("cname", "c"), ("expires", expires))).GetProperty("expires").GetInt32());

    [Theory, MemberData(nameof(Stores))]
    public async Task Sign_with_cb_is_a_call_with_the_object(string store)
    {
        const string Channel = "</script>'\"\\\u2028☄️";
        var answer = await stores[store].Admin.AskAsync(Asking.Path("/sign", ("cname", Channel), ("cb", "app.cb")));
        Assert.Equal(Channel, answer.ArgumentOf("app.cb").GetProperty("cname").GetString());
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Sign_takes_a_form(string store)
    {
        var answer = await stores[store].Admin.AskAsync("/sign", new FormUrlEncodedContent([new("cname", "c"), new("cb", "cb"), new("expires", "60")]));
        Assert.Equal(60, answer.ArgumentOf("cb").GetProperty("expires").GetInt32());
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task Each_token_is_another(string store) =>
        Assert.NotEqual((await stores[store].AskAsync("/sign", ("cname", "c"))).GetProperty("token").GetString(), (await stores[store].AskAsync("/sign", ("cname", "c"))).GetProperty("token").GetString());
}
