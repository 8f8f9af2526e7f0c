
namespace CComet.Channels;

/// <summary>The parked readers of one channel. The channel's lock guards it.</summary>
/// <remarks>
/// Adding, and removing from anywhere, take constant time: each reader knows its slot. The list is in segments, so that a crowd that
/// comes and goes with every message makes no arrays on the large object heap, and removing one copies no more than a segment.
/// </remarks>
internal sealed class ReaderList
{
    /// <summary>How many readers a segment holds; a power of two.</summary>
    public const int SegmentSize = 512;

    private const int MinCapacity = 4;

    private readonly List<Segment> _segments = [];

    /// <summary>How many readers it holds.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a reader, unless it is listed already.</summary>
    public void Add(IChannelReader reader, int channelIndex)
    {
        ref var slot = ref reader.SlotIn(channelIndex);
        if (slot >= 0) return;
        if (Count == _segments.Count * SegmentSize) _segments.Add(new Segment());

        // Behind what was shared, which is not read there.
        _segments[^1].Put(Count % SegmentSize, new Entry(reader, channelIndex));
        slot = Count++;
    }

    /// <summary>Removes a reader, if it is listed; the last one takes its slot.</summary>
    public void Remove(IChannelReader reader, int channelIndex)
    {
        ref var slot = ref reader.SlotIn(channelIndex);
        if (slot < 0) return;
        var last = --Count;
        if (slot != last)
        {
            var moved = _segments[^1].Entries[last % SegmentSize];
            _segments[slot / SegmentSize].Own()[slot % SegmentSize] = moved;
            moved.Reader.SlotIn(moved.ChannelIndex) = slot;
        }

        if (last % SegmentSize == 0) _segments.RemoveAt(_segments.Count - 1);
        else _segments[^1].Own()[last % SegmentSize] = default;
        slot = -1;
    }

    /// <summary>Removes all, to be signalled.</summary>
    public Group TakeAll()
    {
        var taken = Snapshot();
        for (var i = 0; i < taken.Count; i++) taken[i].Reader.SlotIn(taken[i].ChannelIndex) = -1;
        _segments.Clear();
        Count = 0;
        return taken;
    }

    /// <summary>Returns all readers of this moment, which stay listed. The group never changes; a reader that leaves later is still in it.</summary>
    public Group Share()
    {
        foreach (var segment in _segments) segment.IsShared = true;
        return Snapshot();
    }

    private Group Snapshot()
    {
        if (Count == 0) return default;
        var segments = new Entry[_segments.Count][];
        for (var i = 0; i < segments.Length; i++) segments[i] = _segments[i].Entries;
        return new Group(segments, Count);
    }

    /// <summary>A reader, and which of its channels this is.</summary>
    public readonly record struct Entry(IChannelReader Reader, int ChannelIndex);

    /// <summary>The readers of one moment.</summary>
    public readonly struct Group(Entry[][] segments, int count)
    {
        /// <summary>How many.</summary>
        public int Count => count;

        /// <summary>The one of a number, from 0.</summary>
        public Entry this[int index] => segments[index / SegmentSize][index % SegmentSize];
    }

    private sealed class Segment
    {
        public Entry[] Entries { get; private set; } = new Entry[MinCapacity];

        public bool IsShared { get; set; }

        public void Put(int slot, Entry entry)
        {
            if (slot == Entries.Length) Move(slot * 2);
            Entries[slot] = entry;
        }

        /// <summary>The entries, to be changed: a copy, once they have been shared.</summary>
        public Entry[] Own()
        {
            if (IsShared) Move(Entries.Length);
            return Entries;
        }

        private void Move(int capacity)
        {
            var moved = new Entry[capacity];
            Entries.CopyTo(moved, 0);
            (Entries, IsShared) = (moved, false);
        }
    }
}
