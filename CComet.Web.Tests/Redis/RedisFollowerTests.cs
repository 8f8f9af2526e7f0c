using CComet.Messages;
using CComet.Redis;
using CComet.Storage;

namespace CComet.Web.Tests.Redis;

/// <summary>Who is woken when, in orders that a real Redis shows too seldom.</summary>
public sealed class RedisFollowerTests
{
    private readonly RedisFollower _follower = new("c");

    [Fact]
    public void Wake_up_between_the_reading_and_the_joining_is_not_missed_by_the_second_listener_either()
    {
        var (first, second) = (new Counter(), new Counter());
        Assert.True(_follower.TryAdd(first, new LogHead("e", 0, 0), _follower.Wakes));
        var wakes = _follower.Wakes;
        _follower.OnHint(default, "e:1");
        Assert.True(_follower.TryAdd(second, new LogHead("e", 0, 0), wakes));
        Assert.Equal((1, 1), (first.Changes, second.Changes));
    }

    [Fact]
    public void Comparison_wakes_only_where_the_log_ends_elsewhere_than_was_told()
    {
        var listener = new Counter();
        _follower.TryAdd(listener, new LogHead("e", 0, 5), _follower.Wakes);
        _follower.Compare("e", 5);
        Assert.Equal(0, listener.Changes);
        _follower.Compare("e", 6);
        _follower.Compare("e", 6);
        Assert.Equal(1, listener.Changes);
        _follower.Compare("another", 6);
        Assert.Equal(2, listener.Changes);
        _follower.Compare("another", 3);
        Assert.Equal(3, listener.Changes);
        _follower.Compare(null, 0);
        Assert.Equal(4, listener.Changes);
    }

    [Fact]
    public void Append_that_was_told_but_could_not_be_read_is_told_again()
    {
        var listener = new Counter();
        _follower.TryAdd(listener, new LogHead("e", 0, 0), _follower.Wakes);
        _follower.OnHint(default, "e:1");
        _follower.IsDoubtful = true;
        _follower.Compare("e", 1);
        _follower.Compare("e", 1);
        Assert.Equal(2, listener.Changes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("e")]
    [InlineData("e:")]
    [InlineData("e:-1")]
    [InlineData("e:99999999999999999999")]
    public void Wake_up_that_cannot_be_parsed_wakes(string payload)
    {
        var listener = new Counter();
        _follower.TryAdd(listener, new LogHead("e", 0, 0), _follower.Wakes);
        _follower.OnHint(default, payload);
        Assert.Equal(1, listener.Changes);
    }

    [Fact]
    public void Follower_that_was_given_up_takes_no_listener()
    {
        var listener = new Counter();
        _follower.TryAdd(listener, new LogHead("e", 0, 0), _follower.Wakes);
        Assert.True(_follower.Remove(listener));
        Assert.False(_follower.TryAdd(listener, new LogHead("e", 0, 0), _follower.Wakes));
    }

    private sealed class Counter : ILogListener
    {
        public int Changes { get; private set; }

        public void Opened(LogHead head)
        {
        }

        public void Appended(string epoch, IReadOnlyList<Message> messages, DeferredDeliveries? deferred = null) => Assert.Fail("Redis tells by hints alone.");

        public void Changed() => Changes++;
    }
}
