using CComet.Access;
using CComet.Limits;
using CComet.Messages;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Hardening;

/// <summary>The attack: one client publishes as fast as it can, and the others wait, or lose their history or their ids to it.</summary>
public sealed class PublishQuotaTests
{
    private const string Here = "192.0.2.1";
    private const string There = "192.0.2.2";

    public static TheoryData<string, long, string> Rates => new()
    {
        { nameof(LimitOptions.PublishesPerSecondPerUser), 10, "channel" },
        { nameof(LimitOptions.PublishesPerSecondPerAddress), 10, "channel" },
        { nameof(LimitOptions.PublishesPerSecondPerChannel), 10, "channel" },
        { nameof(LimitOptions.PublishBytesPerSecondPerUser), 1_000, "msg" },
        { nameof(LimitOptions.PublishBytesPerSecondPerAddress), 1_000, "msg" },
        { nameof(LimitOptions.IdsPerUser), 10, "id" },
        { nameof(LimitOptions.HistoryBytesPerUser), 1_000, "msg" },
    };

    [Theory]
    [MemberData(nameof(Rates))]
    public async Task Publishes_at_the_bound_are_stored_and_one_more_is_refused_until_it_has_come_back(string setting, long limit, string parameter)
    {
        using var fixture = NewFixture((setting, limit));
        var ann = Callers.At(Here, "ann");
        var unit = setting.Contains("Bytes", StringComparison.Ordinal) ? UnitOf(setting) : 1;
        for (var i = 0; i < limit / unit; i++) await PublishAsync(fixture, ann, NewMessage("a", $"{i}"));

        var refusal = await RefusalAsync(fixture, ann, NewMessage("a", "over"));
        Assert.Equal((parameter, $"Limits:{setting}", false), (refusal.Parameter, refusal.Setting, refusal.IsGlobal));
        Assert.StartsWith($"{parameter}: this ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains($"(CComet:Limits:{setting})", refusal.Message, StringComparison.Ordinal);

        // To the tick: nothing earlier, and one more then.
        fixture.Time.Advance(refusal.RetryAfter - TimeSpan.FromTicks(1));
        Assert.Equal(TimeSpan.FromTicks(1), (await RefusalAsync(fixture, ann, NewMessage("a", "over"))).RetryAfter);
        fixture.Time.Advance(TimeSpan.FromTicks(1));
        await PublishAsync(fixture, ann, NewMessage("a", "again"));
        await RefusalAsync(fixture, ann, NewMessage("a", "over again"));
    }

    [Theory]
    [MemberData(nameof(Rates))]
    public async Task Quota_of_one_is_nothing_to_the_others(string setting, long limit, string parameter)
    {
        Assert.NotEmpty(parameter);
        using var fixture = NewFixture((setting, limit));
        while (!await IsRefusedAsync(fixture, Callers.At(Here, "ann"), NewMessage("a", Guid.NewGuid().ToString("N"))))
        {
        }

        var (isOfUser, isOfAddress) = (setting.EndsWith("PerUser", StringComparison.Ordinal), setting.EndsWith("PerAddress", StringComparison.Ordinal));
        Assert.Equal(isOfUser, await IsRefusedAsync(fixture, Callers.At(There, "ann"), NewMessage("b", "1")));
        Assert.Equal(isOfAddress, await IsRefusedAsync(fixture, Callers.At(Here, "bob"), NewMessage("b", "2")));
        Assert.Equal(isOfAddress, await IsRefusedAsync(fixture, Callers.At(Here), NewMessage("b", "3")));
        Assert.False(await IsRefusedAsync(fixture, Callers.At(There), NewMessage("b", "4")));
        Assert.Equal(!isOfUser && !isOfAddress, await IsRefusedAsync(fixture, Callers.At(There), NewMessage("a", "5")));

        // The application's own code has no quota.
        await fixture.PublishAsync("a", "trusted", "trusted");
    }

    [Fact]
    public void Publish_asks_no_quota_where_none_is_set()
    {
        using var fixture = NewFixture();
        Assert.Null(fixture.Hub.Context.Quotas.Publishes);
    }

    [Fact]
    public async Task Refused_publish_takes_nothing_of_the_other_quotas()
    {
        using var fixture = NewFixture((nameof(LimitOptions.PublishesPerSecondPerUser), 2), (nameof(LimitOptions.PublishesPerSecondPerAddress), 4), (nameof(LimitOptions.PublishesPerSecondPerChannel), 3));
        var (ann, bob) = (Callers.At(Here, "ann"), Callers.At(Here, "bob"));
        await PublishAsync(fixture, ann, NewMessage("a", "1"), NewMessage("a", "2"));

        // Refused by her own quota, then by the channel's: the address has two left, and the channel one.
        for (var i = 0; i < 10; i++) Assert.Equal("Limits:PublishesPerSecondPerUser", (await RefusalAsync(fixture, ann, NewMessage("b", "3"))).Setting);
        for (var i = 0; i < 10; i++) Assert.Equal("Limits:PublishesPerSecondPerChannel", (await RefusalAsync(fixture, bob, NewMessage("a", "3"), NewMessage("a", "4"))).Setting);
        await PublishAsync(fixture, bob, NewMessage("a", "3"), NewMessage("b", "4"));
        Assert.Equal("Limits:PublishesPerSecondPerAddress", (await RefusalAsync(fixture, Callers.At(Here), NewMessage("b", "5"))).Setting);
    }

    [Fact]
    public async Task Batch_to_several_channels_is_taken_by_all_of_their_quotas_or_by_none()
    {
        using var fixture = NewFixture((nameof(LimitOptions.PublishesPerSecondPerChannel), 2));
        var caller = Callers.At(Here);
        await PublishAsync(fixture, caller, NewMessage("full", "1"), NewMessage("full", "2"));
        for (var i = 0; i < 10; i++) await RefusalAsync(fixture, caller, NewMessage("a", "x"), NewMessage("b", "x"), NewMessage("full", "x"), NewMessage("a", "x"));
        Assert.Equal([0, 0, 1, 1], (await PublishAsync(fixture, caller, NewMessage("a", "1"), NewMessage("b", "1"), NewMessage("a", "2"), NewMessage("b", "2"))).Select(r => r.Seqid));
        await RefusalAsync(fixture, caller, NewMessage("a", "3"));
    }

    [Fact]
    public async Task Batch_that_is_larger_than_the_rate_is_taken_at_rest_and_paid_for_afterwards()
    {
        using var fixture = NewFixture((nameof(LimitOptions.PublishesPerSecondPerUser), 2));
        var ann = Callers.At(Here, "ann");
        var batch = Enumerable.Range(0, 6).Select(i => NewMessage("a", $"{i}")).ToArray();
        await PublishAsync(fixture, ann, batch);

        // Six take three seconds, of which one may be in use besides the next one's half.
        Assert.Equal(TimeSpan.FromSeconds(2.5), (await RefusalAsync(fixture, ann, NewMessage("a", "one"))).RetryAfter);
        Assert.Equal(TimeSpan.FromSeconds(3), (await RefusalAsync(fixture, ann, batch)).RetryAfter);
        fixture.Time.Advance(TimeSpan.FromSeconds(3));
        await PublishAsync(fixture, ann, batch);
    }

    [Fact]
    public async Task Publish_that_the_store_refuses_takes_nothing()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        var store = new RoomyStore(time);
        using var fixture = new HubFixture(new HubOptions { Limits = Set((nameof(LimitOptions.PublishesPerSecondPerUser), 1), (nameof(LimitOptions.HistoryBytesPerUser), 100)) }, store, time);
        var ann = Callers.At(Here, "ann");
        foreach (var failure in (Exception[])[new LimitException("channel", "channel: is full.", TimeSpan.FromSeconds(5), "History:TotalBytes", isGlobal: true), new StoreUnavailableException("Away."), new RefusedException("channel", "channel: cannot.")])
        {
            store.Failure = failure;
            for (var i = 0; i < 3; i++) await Assert.ThrowsAsync(failure.GetType(), () => PublishAsync(fixture, ann, NewMessage("a", "m")));
        }

        store.Failure = null;
        await PublishAsync(fixture, ann, NewMessage("a", "m"));
        await RefusalAsync(fixture, ann, NewMessage("a", "m"));
    }

    [Fact]
    public async Task Repeated_publish_takes_no_id_and_no_history()
    {
        var message = NewMessage("a", "same");
        using var fixture = NewFixture((nameof(LimitOptions.IdsPerUser), 2), (nameof(LimitOptions.HistoryBytesPerUser), 2 * PublishQuotas.HistoryBytesOf(message with { Sname = "ann" })));
        var ann = Callers.At(Here, "ann");
        for (var i = 0; i < 10; i++) await PublishAsync(fixture, ann, message);
        await PublishAsync(fixture, ann, message with { Id = "next" });
        Assert.Equal("Limits:IdsPerUser", (await RefusalAsync(fixture, ann, message with { Id = "third" })).Setting);
        Assert.Equal("Limits:HistoryBytesPerUser", (await RefusalAsync(fixture, ann, message with { Id = null })).Setting);
    }

    [Fact]
    public async Task Sign_in_counts_as_a_publish()
    {
        using var fixture = NewFixture((nameof(LimitOptions.PublishesPerSecondPerUser), 1));
        var ann = Callers.At(Here, "ann");
        using var signIn = await fixture.Operations.SignAsync(ann, "a", null);
        await Assert.ThrowsAsync<LimitException>(async () => await fixture.Operations.SignAsync(ann, "a", null));
    }

    [Theory]
    [InlineData(nameof(LimitOptions.PublishesPerSecondPerAddress), 2)]
    [InlineData(nameof(LimitOptions.PublishesPerSecondPerChannel), 2)]
    [InlineData(nameof(LimitOptions.PublishBytesPerSecondPerAddress), 6)]
    public async Task Every_door_refuses_with_the_same_429(string setting, int limit)
    {
        // The clock stands still, so that nothing comes back.
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await LiveServer.StartAsync(0, new CCometFactory(time, $"CComet:Limits:{setting}={limit}"));
        using var socket = await RawSocket.OpenAsync(server.Port, "channel=other");
        await socket.ElementsAsync();
        await socket.SendJsonAsync(new { channel = "a", msg = "m" });
        Assert.Equal("pub", (await socket.ElementsAsync()).Single().GetProperty("type").GetString());
        await server.PublishAsync("a", "m");

        foreach (var answer in (Answer[])[
            await server.Http.AskAsync("/pub?channel=a&msg=m"),
            await server.Http.AskAsync("/pub", Asking.Body("""{"channel":"a","msg":"m"}""")),
            await server.Http.AskAsync("/pub", Asking.Body("channel=a&msg=m", "application/x-www-form-urlencoded")),
            await server.Http.AskAsync("/sign?channel=a")])
        {
            answer.AssertProblem(429, setting.Contains("Bytes", StringComparison.Ordinal) ? "msg" : "channel");
            Assert.Contains($"CComet:Limits:{setting}", answer.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
            Assert.Equal("1", answer.Header("Retry-After"));
        }

        var jsonp = await server.Http.AskAsync("/pub?channel=a&msg=m&callback=f");
        jsonp.AssertJsonpProblem("f", "429", $"CComet:Limits:{setting}");
        Assert.Equal("1", jsonp.Header("Retry-After"));
        await socket.SendJsonAsync(new { channel = "a", msg = "m" });
        var element = (await socket.ElementsAsync()).Single();
        Assert.Equal("429", element.GetProperty("type").GetString());
        Assert.Contains($"CComet:Limits:{setting}", element.GetProperty("reason").GetString(), StringComparison.Ordinal);

        time.Advance(TimeSpan.FromSeconds(1));
        await server.PublishAsync("a", "m");
    }

    /// <summary>What one message of these tests counts.</summary>
    private static long UnitOf(string setting) => setting == nameof(LimitOptions.HistoryBytesPerUser) ? PublishQuotas.HistoryBytesOf(NewMessage("a", "1")) : NewMessage("a", "1").Body.Length;

    /// <summary>A message of always the same length, with an id of its own.</summary>
    private static NewMessage NewMessage(string channel, string id) => HubFixture.NewMessage(channel, new string('x', 98), id);

    private static async Task<IReadOnlyList<Receipt>> PublishAsync(HubFixture fixture, CallerContext caller, params NewMessage[] messages) => await fixture.Operations.PublishAsync(caller, messages);

    private static Task<LimitException> RefusalAsync(HubFixture fixture, CallerContext caller, params NewMessage[] messages) =>
        Assert.ThrowsAsync<LimitException>(() => PublishAsync(fixture, caller, messages));

    private static async Task<bool> IsRefusedAsync(HubFixture fixture, CallerContext caller, NewMessage message) =>
        await Record.ExceptionAsync(() => PublishAsync(fixture, caller, message)) is LimitException;

    private static HubFixture NewFixture(params (string Setting, long Value)[] limits)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        return new HubFixture(new HubOptions { Limits = Set(limits) }, new RoomyStore(time), time);
    }

    private static LimitOptions Set(params (string Setting, long Value)[] limits)
    {
        var options = new LimitOptions();
        foreach (var (setting, value) in limits)
        {
            var property = typeof(LimitOptions).GetProperty(setting)!;
            property.SetValue(options, Convert.ChangeType(value, property.PropertyType, System.Globalization.CultureInfo.InvariantCulture));
        }

        return options;
    }
}
