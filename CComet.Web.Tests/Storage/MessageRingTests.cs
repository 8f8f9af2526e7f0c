using CComet.Messages;
using CComet.Storage;
using CsCheck;

namespace CComet.Web.Tests.Storage;

public sealed class MessageRingTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch.AddYears(50);

    [Fact]
    public void Ring_holds_what_a_plain_list_with_the_same_bounds_would_hold()
    {
        var step = Gen.Select(Gen.Int[1, 40], Gen.Int[0, 3]);
        Gen.Select(Gen.Int[1, 12], Gen.Int[1, 300], Gen.Int[1, 20], Gen.Long[0, 1000], step.List[0, 80]).Sample((maxMessages, maxBytes, maxAge, first, steps) =>
        {
            var bounds = new HistoryOptions { MaxMessages = maxMessages, MaxBytes = maxBytes, MaxAge = TimeSpan.FromSeconds(maxAge) };
            var ring = new MessageRing(bounds, first);
            var list = new List<Message>();
            var now = Start;
            foreach (var (size, pause) in steps)
            {
                now = now.AddSeconds(pause);
                var message = new Message(ring.End, now.ToUnixTimeMilliseconds(), new byte[size]);
                ring.Add(message, now);
                list.Add(message);
                while (list.Count > 1 && (list.Count > maxMessages || list.Sum(m => m.Record.Length) > maxBytes)) list.RemoveAt(0);
                list.RemoveAll(m => m.Time < now.AddSeconds(-maxAge).ToUnixTimeMilliseconds());
                if (!ring.CopyFrom(ring.First).SequenceEqual(list)) return false;
            }

            return ring.First == (list.Count > 0 ? list[0].Seqid : first + steps.Count) && ring.End == first + steps.Count;
        });
    }

    [Fact]
    public void Copy_is_cut_at_the_bytes_asked_for_but_never_empty()
    {
        var ring = new MessageRing(new HistoryOptions(), 0);
        for (var i = 0; i < 10; i++) ring.Add(new Message(i, Start.ToUnixTimeMilliseconds(), new byte[10]), Start);
        Assert.Equal([3, 4, 5], ring.CopyFrom(3, 30).Select(m => (int)m.Seqid));
        Assert.Equal([3], ring.CopyFrom(3, 1).Select(m => (int)m.Seqid));
        Assert.Empty(ring.CopyFrom(10, 1));
    }
}
