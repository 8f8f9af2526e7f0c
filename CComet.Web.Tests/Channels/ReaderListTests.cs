using CComet.Channels;
using CComet.Subscriptions;

namespace CComet.Web.Tests.Channels;

/// <summary>A list whose members leave from anywhere while others look at what it was.</summary>
public sealed class ReaderListTests
{
    /// <summary>Against a plain list, over several segments and back to none.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void List_equals_a_plain_one_through_any_adds_removes_and_reads(int seed)
    {
        var random = new Random(seed);
        var all = Enumerable.Range(0, 3 * ReaderList.SegmentSize).Select(_ => NewMember()).ToArray();
        var (list, plain) = (new ReaderList(), new List<Subscriber>());
        var looks = new List<(ReaderList.Group Group, Subscriber[] Then)>();
        for (var step = 0; step < 20_000; step++)
        {
            // It fills in the first half of a thousand steps, and empties in the second.
            var member = all[random.Next(all.Length)];
            if (random.NextDouble() < (step % 1000 < 500 ? 0.9 : 0.1)) Add(member);
            else Remove(member);
            if (random.Next(500) == 0) looks.Add((list.Share(), [.. plain]));
            if (random.Next(4000) == 0)
            {
                Assert.Equal(plain, Members(list.TakeAll()));
                Assert.All(plain, subscriber => Assert.Equal(-1, subscriber.At(0).Slot));
                plain.Clear();
            }

            Assert.True(plain.Count == list.Count, $"seed {seed}, step {step}: {list.Count} instead of {plain.Count}");
        }

        foreach (var (group, then) in looks) Assert.Equal(then, Members(group));
        Assert.Equal(plain, Members(list.Share()));
        foreach (var member in all) Remove(member);
        Assert.Equal(0, list.Count);

        void Add(Subscriber member)
        {
            if (!plain.Contains(member)) plain.Add(member);
            list.Add(member, 0);
        }

        void Remove(Subscriber member)
        {
            // The last one takes the place of who leaves.
            if (plain.IndexOf(member) is >= 0 and var place)
            {
                plain[place] = plain[^1];
                plain.RemoveAt(plain.Count - 1);
            }

            list.Remove(member, 0);
        }
    }

    private static Subscriber NewMember()
    {
        var subscriber = new Subscriber(null, 1);
        subscriber.At(0).Slot = -1;
        return subscriber;
    }

    private static Subscriber[] Members(ReaderList.Group group) => [.. Enumerable.Range(0, group.Count).Select(i => (Subscriber)group[i].Reader)];
}
