using System.Text.Json;
using CComet.Access;
using CComet.Dialects.Ccomet2014;
using CComet.Messages;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Dialects.Ccomet2014;

/// <summary>What is told of sign-ins and messages that are read together, as when both come before a poll that was woken has read.</summary>
public sealed class PollAnswerTests : IDisposable
{
    private readonly HubFixture _hub = new();

    public void Dispose() => _hub.Dispose();

    [Theory]
    [InlineData("sign", true, "SIGN")]
    [InlineData("sign", false, "")]
    [InlineData("sign sign one", true, "SIGN")]
    [InlineData("sign sign one", false, "one")]
    [InlineData("one sign two", true, "one two")]
    [InlineData("one sign two", false, "one two")]
    public async Task Sign_in_is_alone_in_its_array_and_only_for_a_poll_that_has_waited(string log, bool hasWaited, string told)
    {
        using var subscriber = await _hub.SubscribeAsync("c", new Cursor(null, 0));
        foreach (var entry in log.Split(' '))
        {
            if (entry == "sign") (await _hub.Operations.SignAsync(CallerContext.Local, "c", "ann", default)).Dispose();
            else await _hub.PublishAsync("c", entry);
        }

        var readings = await subscriber.ReadAsync(park: false);
        var elements = PollAnswer2014.Create(readings, hasWaited);
        Assert.Equal(told.Length > 0, PollAnswer2014.Tells(readings, hasWaited));
        using var array = JsonDocument.Parse($"[{string.Join(',', elements.Select(e => System.Text.Encoding.UTF8.GetString(e.Span)))}]");
        Assert.Equal(told.Split(' ', StringSplitOptions.RemoveEmptyEntries), array.RootElement.EnumerateArray().Select(e => e.GetProperty("msg").GetString()));
    }
}
