using CComet.Access;

namespace CComet.Web.Tests.Access;

/// <summary>A pattern gives the right to what it says, and to nothing that only looks like it.</summary>
public sealed class ChannelPatternsTests
{
    [Theory]
    [InlineData("room", "room", null, true)]
    [InlineData("room", "room2", null, false)]
    [InlineData("room", "Room", null, false)]
    [InlineData("room.*", "room.", null, true)]
    [InlineData("room.*", "room.1", null, true)]
    [InlineData("room.*", "room", null, false)]
    [InlineData("room.*", "room.*", null, true)]
    [InlineData("*", "anything", null, true)]
    [InlineData("a*b", "a*b", null, true)]
    [InlineData("a*b", "axb", null, false)]
    [InlineData("inbox.{sub}", "inbox.ann", "ann", true)]
    [InlineData("inbox.{sub}", "inbox.bob", "ann", false)]
    [InlineData("inbox.{sub}", "inbox.anna", "ann", false)]
    [InlineData("inbox.{sub}", "inbox.", null, false)]
    [InlineData("inbox.{sub}", "inbox.{sub}", null, false)]
    [InlineData("inbox.{sub}", "inbox.{sub}", "ann", false)]
    [InlineData("{sub}.*", "ann.x", "ann", true)]
    [InlineData("{sub}.*", "anna.x", "ann", false)]
    [InlineData("{sub}-{sub}", "ann-ann", "ann", true)]
    [InlineData("{sub}-{sub}", "ann-bob", "ann", false)]
    [InlineData("inbox.{sub}", "inbox.*", "*", true)]
    [InlineData("inbox.{sub}", "inbox.ann", "*", false)]
    public void Pattern_matches_what_it_says(string pattern, string channel, string? user, bool matches) =>
        Assert.Equal(matches ? "rule" : null, new ChannelPatterns([("other", "no"), (pattern, "rule")]).Find(channel, user));

    [Fact]
    public void Names_of_a_ticket_are_exact_whatever_characters_they_have()
    {
        var names = ChannelPatterns.Exact(["room.*", "inbox.{sub}"], "ticket");
        Assert.Equal("ticket", names.Find("room.*", "ann"));
        Assert.Equal("ticket", names.Find("inbox.{sub}", "ann"));
        Assert.Null(names.Find("room.1", "ann"));
        Assert.Null(names.Find("inbox.ann", "ann"));
    }
}
