namespace CComet.Kestrel.Parking;

/// <summary>Objects that slots have in common, by numbers from 1 on, each for as long as a slot uses it.</summary>
/// <remarks>A table of chained hashing of its own, because a dictionary beside an array would hold each object twice: some are as many as the slots.</remarks>
/// <typeparam name="T">By what they are equal, they are one.</typeparam>
internal sealed class SharedTable<T>
    where T : notnull
{
    private const int MinCapacity = 16;

    private readonly Lock _lock = new();

    /// <summary>Entry 0 is none. As long as the buckets, of which each is the number of its first entry.</summary>
    private Entry[] _entries = new Entry[MinCapacity];
    private int[] _buckets = new int[MinCapacity];
    private int _free;
    private int _used = 1;

    /// <summary>How many are in use.</summary>
    public int InUse { get; private set; }

    /// <summary>The object of a number that is in use.</summary>
    public T this[int number] => Volatile.Read(ref _entries)[number].Value!;

    /// <summary>Returns an object's number, for one use more.</summary>
    public int Take(T value)
    {
        var hash = value.GetHashCode();
        lock (_lock)
        {
            for (var known = BucketOf(hash); known != 0; known = _entries[known].Next)
            {
                if (!EqualityComparer<T>.Default.Equals(_entries[known].Value, value)) continue;
                _entries[known].Uses++;
                return known;
            }

            var number = _free;
            if (number != 0)
            {
                _free = _entries[number].Next;
            }
            else
            {
                if (_used == _entries.Length) Grow();
                number = _used++;
            }

            ref var bucket = ref BucketOf(hash);
            _entries[number] = new Entry { Value = value, Uses = 1, Next = bucket };
            bucket = number;
            InUse++;
            return number;
        }
    }

    /// <summary>Ends one use of a number. 0 is none.</summary>
    public void Release(int number)
    {
        if (number == 0) return;
        lock (_lock)
        {
            ref var entry = ref _entries[number];
            if (--entry.Uses > 0) return;
            ref var link = ref BucketOf(entry.Value!.GetHashCode());
            while (link != number) link = ref _entries[link].Next;
            link = entry.Next;
            entry = new Entry { Next = _free };
            _free = number;
            InUse--;
        }
    }

    private ref int BucketOf(int hash) => ref _buckets[(hash ^ (hash >>> 15)) & (_buckets.Length - 1)];

    private void Grow()
    {
        var entries = new Entry[_entries.Length * 2];
        _entries.CopyTo(entries, 0);
        _buckets = new int[entries.Length];
        for (var number = 1; number < _used; number++)
        {
            // All are in use, or there would have been a free one.
            ref var bucket = ref BucketOf(entries[number].Value!.GetHashCode());
            entries[number].Next = bucket;
            bucket = number;
        }

        Volatile.Write(ref _entries, entries);
    }

    private struct Entry
    {
        public T? Value;
        public int Uses;
        public int Next;
    }
}
