using CComet.Access;
using Microsoft.Extensions.Time.Testing;

namespace CComet.Web.Tests.Access;

/// <summary>A token that is shown again costs no signature, and one that is not costs no memory for long.</summary>
public sealed class GrantCacheTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public void Token_that_is_shown_is_known_and_one_that_is_not_is_forgotten_after_two_minutes()
    {
        var cache = new GrantCache(_time);
        var (shown, silent) = (NewGrant("ann"), NewGrant("bob"));
        cache.Add(1, shown);
        cache.Add(2, silent);
        for (var minute = 0; minute < 2; minute++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            cache.Sweep();
            Assert.Same(shown, cache.Find(1));
        }

        Assert.Null(cache.Find(2));
    }

    [Fact]
    public void Sweep_within_a_minute_forgets_nothing()
    {
        var cache = new GrantCache(_time);
        cache.Add(1, NewGrant("ann"));
        for (var i = 0; i < 11; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(5));
            cache.Sweep();
        }

        Assert.NotNull(cache.Find(1));
    }

    [Fact]
    public void Grant_that_has_expired_is_not_given()
    {
        var cache = new GrantCache(_time);
        cache.Add(1, NewGrant("ann", _time.GetUtcNow().AddSeconds(10)));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Null(cache.Find(1));
    }

    [Fact]
    public void Flood_of_tokens_leaves_no_more_than_two_generations()
    {
        var cache = new GrantCache(_time);
        var grant = NewGrant("ann");
        for (var i = 1; i <= 200_000; i++) cache.Add((UInt128)i, grant);
        Assert.InRange(Enumerable.Range(1, 200_000).Count(i => cache.Find((UInt128)i) is not null), 50_000, 100_000);
    }

    [Fact]
    public void Change_of_the_keys_forgets_all()
    {
        var cache = new GrantCache(_time);
        cache.Add(1, NewGrant("ann"));
        cache.Clear();
        Assert.Null(cache.Find(1));
    }

    [Fact]
    public void Grant_with_its_name_takes_a_hundred_bytes_at_most()
    {
        const int Count = 1_000;
        var rights = new GrantRights([(ChannelRight.Subscribe, "*", "test")]);
        var grants = new Grant[Count];
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Count; i++) grants[i] = new Grant(rights, new string('u', 8), 1, 1, 1);
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / (double)Count, 50, 100);
        GC.KeepAlive(grants);
    }

    private static Grant NewGrant(string user, DateTimeOffset? expires = null) =>
        new(new GrantRights([(ChannelRight.Subscribe, "*", "test")]), user, expires?.ToUnixTimeMilliseconds() ?? Grant.Never);
}
