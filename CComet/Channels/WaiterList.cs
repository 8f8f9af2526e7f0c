using CComet.Subscriptions;

namespace CComet.Channels;

/// <summary>
/// Who waits in one channel. Adding, and removing from anywhere, take the same time however many wait: each subscriber knows
/// its slot. They stand in segments, so that a crowd that comes and goes with every message makes no large arrays, which the
/// collector would go over the whole heap for, and one who leaves has no more copied than a segment. The channel's lock guards it.
/// </summary>
internal sealed class WaiterList
{
    /// <summary>How many stand in a segment; a power of two.</summary>
    public const int SegmentSize = 512;

    private const int SmallestCapacity = 4;

    private readonly List<Segment> _segments = [];

    /// <summary>How many wait.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a subscriber, unless it waits already.</summary>
    public void Add(ref Subscriber.Position position, int index, Subscriber subscriber)
    {
        if (position.Slot >= 0) return;
        if (Count == _segments.Count * SegmentSize) _segments.Add(new Segment());

        // Behind what was shared, where nobody looks.
        _segments[^1].Put(Count % SegmentSize, new Waiter(subscriber, index));
        position.Slot = Count++;
    }

    /// <summary>Removes a subscriber, if it waits; the last one takes its slot.</summary>
    public void Remove(ref Subscriber.Position position)
    {
        if (position.Slot < 0) return;
        var last = --Count;
        if (position.Slot != last)
        {
            var moved = _segments[^1].Waiters[last % SegmentSize];
            _segments[position.Slot / SegmentSize].Own()[position.Slot % SegmentSize] = moved;
            moved.Subscriber.Moved(moved.Index, position.Slot);
        }

        if (last % SegmentSize == 0) _segments.RemoveAt(_segments.Count - 1);
        else _segments[^1].Own()[last % SegmentSize] = default;
        position.Slot = -1;
    }

    /// <summary>Takes all out, to be woken.</summary>
    public Group TakeAll()
    {
        var taken = Look();
        for (var i = 0; i < taken.Count; i++) taken[i].Subscriber.Moved(taken[i].Index, -1);
        _segments.Clear();
        Count = 0;
        return taken;
    }

    /// <summary>All who wait at this moment, and go on waiting. What is given never changes; whoever leaves later is still in it.</summary>
    public Group Share()
    {
        foreach (var segment in _segments) segment.IsShared = true;
        return Look();
    }

    private Group Look()
    {
        if (Count == 0) return default;
        var segments = new Waiter[_segments.Count][];
        for (var i = 0; i < segments.Length; i++) segments[i] = _segments[i].Waiters;
        return new Group(segments, Count);
    }

    /// <summary>A subscriber, and which of its channels this is.</summary>
    public readonly record struct Waiter(Subscriber Subscriber, int Index);

    /// <summary>Who waited at one moment.</summary>
    public readonly struct Group(Waiter[][] segments, int count)
    {
        /// <summary>How many.</summary>
        public int Count => count;

        /// <summary>The one of a number, from 0.</summary>
        public Waiter this[int index] => segments[index / SegmentSize][index % SegmentSize];
    }

    private sealed class Segment
    {
        public Waiter[] Waiters { get; private set; } = new Waiter[SmallestCapacity];

        public bool IsShared { get; set; }

        public void Put(int slot, Waiter waiter)
        {
            if (slot == Waiters.Length) Move(slot * 2);
            Waiters[slot] = waiter;
        }

        /// <summary>The waiters, to be changed: a copy, once they have been shared.</summary>
        public Waiter[] Own()
        {
            if (IsShared) Move(Waiters.Length);
            return Waiters;
        }

        private void Move(int capacity)
        {
            var moved = new Waiter[capacity];
            Waiters.CopyTo(moved, 0);
            (Waiters, IsShared) = (moved, false);
        }
    }
}
