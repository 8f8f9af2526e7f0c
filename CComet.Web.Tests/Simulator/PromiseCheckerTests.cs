using System.Text;
using CComet.Simulator.Checks;

namespace CComet.Web.Tests.Simulator;

/// <summary>Every breach of the promise is found, and what the promise allows is none.</summary>
public sealed class PromiseCheckerTests
{
    private readonly PromiseTally _tally = new();
    private readonly ChannelBook _book = new("room");
    private readonly PromiseChecker _checker;

    public PromiseCheckerTests() => _checker = new PromiseChecker(_tally);

    [Fact]
    public void Messages_in_order_keep_the_promise()
    {
        Take(0, 1, 2, 3);
        Acked("e", 3);
        _checker.Finish(_book);
        AssertFound(lost: 0, repeated: 0, outOfOrder: 0);
        Assert.Equal(4, _checker.Next);
    }

    [Fact]
    public void Message_passed_over_is_lost()
    {
        Take(0, 1, 4);
        AssertFound(lost: 2, repeated: 0, outOfOrder: 0);
    }

    [Fact]
    public void Message_that_comes_twice_is_repeated()
    {
        Take(0, 1, 1, 0, 2);
        AssertFound(lost: 0, repeated: 2, outOfOrder: 0);
    }

    [Fact]
    public void Message_that_comes_late_is_out_of_order_and_not_lost()
    {
        Take(0, 2, 1, 3);
        AssertFound(lost: 0, repeated: 0, outOfOrder: 1);
        Take(1);
        AssertFound(lost: 0, repeated: 1, outOfOrder: 1);
    }

    [Fact]
    public void Acknowledged_message_that_never_came_is_lost_at_the_end()
    {
        Take(0, 1);
        Acked("e", 4);
        Assert.Equal(3, _checker.Behind(_book));
        AssertFound(lost: 0, repeated: 0, outOfOrder: 0);
        _checker.Finish(_book);
        AssertFound(lost: 3, repeated: 0, outOfOrder: 0);
    }

    [Fact]
    public void Subscriber_still_on_the_old_epoch_has_none_of_the_new_one()
    {
        _checker.Cursor(Epoch("old"), 0);
        Take(0, 1, 2);
        Acked("new", 1);
        _checker.Finish(_book);
        AssertFound(lost: 2, repeated: 0, outOfOrder: 0);
    }

    [Fact]
    public void Gap_that_is_told_is_no_loss()
    {
        Take(0, 1);
        _checker.Gap(Epoch("e"), 2, 9);
        Take(10);
        Acked("e", 10);
        _checker.Finish(_book);
        AssertFound(lost: 0, repeated: 0, outOfOrder: 0);
        Assert.Equal((1, 8), (_tally.Gaps, _tally.GapMessages));
        Assert.False(_tally.IsBroken);
    }

    [Fact]
    public void Gap_that_begins_too_late_leaves_messages_lost()
    {
        Take(0, 1);
        _checker.Gap(Epoch("e"), 4, 9);
        AssertFound(lost: 2, repeated: 0, outOfOrder: 0);
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(6, 5)]
    public void Gap_of_what_has_come_or_of_nothing_is_inconsistent(long from, long to)
    {
        Take(0, 1);
        _checker.Gap(Epoch("e"), from, to);
        Assert.Equal(1, _tally.Inconsistent);
    }

    [Fact]
    public void Reset_restarts_the_count_and_breaks_nothing()
    {
        Take(0, 1, 2);
        _checker.Reset(Epoch("new"), 0);
        Take(0, 1);
        Acked("new", 1);
        _checker.Finish(_book);
        AssertFound(lost: 0, repeated: 0, outOfOrder: 0);
        Assert.Equal(1, _tally.Resets);
        Assert.False(_tally.IsBroken);
    }

    [Fact]
    public void Log_that_was_told_to_be_gone_owes_nothing()
    {
        _checker.Cursor(Epoch("old"), 0);
        Acked("old", 5);
        Assert.Equal(6, _checker.Behind(_book));
        _checker.Reset(Epoch("new"), 0);
        Assert.Equal(0, _checker.Behind(_book));
        Acked("new", 0);
        Assert.Equal(1, _checker.Behind(_book));
    }

    [Fact]
    public void Cursor_told_must_be_where_the_subscriber_stands()
    {
        _checker.Cursor(Epoch("e"), 0);
        Take(0, 1);
        _checker.Cursor(Epoch("e"), 2);
        Assert.Equal(0, _tally.Inconsistent);
        _checker.Cursor(Epoch("e"), 3);
        _checker.Cursor(Epoch("another"), 2);
        Assert.Equal(2, _tally.Inconsistent);
        Assert.True(_tally.IsBroken);
    }

    private void Take(params long[] seqids)
    {
        foreach (var seqid in seqids) _checker.Entry(seqid);
    }

    private EpochName Epoch(string text) => _book.Intern(Encoding.UTF8.GetBytes(text));

    private void Acked(string epoch, long seqid) => _book.Acked(Epoch(epoch), seqid);

    private void AssertFound(long lost, long repeated, long outOfOrder) => Assert.Equal((lost, repeated, outOfOrder), (_tally.Lost, _tally.Repeated, _tally.OutOfOrder));
}
