namespace CComet.Web.Hub;

/// <summary>
/// The newest messages of one log, consecutive, bounded by count, bytes and age. Not safe for use by several threads: its
/// owner's lock guards it.
/// </summary>
public sealed class MessageRing
{
    private const int SmallestCapacity = 4;

    private readonly HistoryOptions _bounds;
    private Message[] _items = [];
    private int _head;
    private int _count;
    private long _bytes;

    /// <summary>A ring whose first message will have the seqid <paramref name="first"/>.</summary>
    public MessageRing(HistoryOptions bounds, long first)
    {
        _bounds = bounds;
        First = first;
    }

    /// <summary>The seqid of the oldest message held; equal to <see cref="End"/> when none is.</summary>
    public long First { get; private set; }

    /// <summary>One past the seqid of the newest message.</summary>
    public long End => First + _count;

    /// <summary>Appends the message whose seqid is <see cref="End"/> and drops what is now over the bounds.</summary>
    public void Add(Message message, DateTimeOffset now)
    {
        if (message.Seqid != End) throw new ArgumentException($"The ring ends at {End}, the message is {message.Seqid}.", nameof(message));
        if (_count == _items.Length) Resize(Math.Max(SmallestCapacity, _count * 2));
        _items[(_head + _count) & (_items.Length - 1)] = message;
        _count++;
        _bytes += message.Json.Length;

        // The newest always stays, however large: a subscriber that was woken for it must find it.
        while (_count > 1 && (_count > _bounds.MaxMessages || _bytes > _bounds.MaxBytes)) DropOldest();
        Expire(now);
    }

    /// <summary>
    /// Puts older messages before those held; the last of them must have the seqid before <see cref="First"/>. False, and
    /// nothing is done, when the bounds have no room for them.
    /// </summary>
    public bool TryPrepend(ReadOnlySpan<Message> older)
    {
        long bytes = 0;
        foreach (var message in older) bytes += message.Json.Length;
        if (_count + older.Length > _bounds.MaxMessages || _bytes + bytes > _bounds.MaxBytes) return false;

        var capacity = Math.Max(SmallestCapacity, _items.Length);
        while (capacity < _count + older.Length) capacity *= 2;
        var items = new Message[capacity];
        older.CopyTo(items);
        for (var i = 0; i < _count; i++) items[older.Length + i] = At(i);
        (_items, _head) = (items, 0);
        _count += older.Length;
        _bytes += bytes;
        First -= older.Length;
        return true;
    }

    /// <summary>Drops the messages that are older than the bounds allow.</summary>
    public void Expire(DateTimeOffset now)
    {
        var oldest = (now - _bounds.MaxAge).ToUnixTimeMilliseconds();
        while (_count > 0 && _items[_head].Time < oldest) DropOldest();
        if (_count == 0) _items = [];
    }

    /// <summary>
    /// The messages from <paramref name="seqid"/>, which must be held or be the end, on; as many as fit in
    /// <paramref name="maxBytes"/>, but at least one where there is one.
    /// </summary>
    public Message[] CopyFrom(long seqid, long maxBytes = long.MaxValue)
    {
        var skip = (int)(seqid - First);
        var take = 0;
        for (long bytes = 0; skip + take < _count; take++)
        {
            bytes += At(skip + take).Json.Length;
            if (take > 0 && bytes > maxBytes) break;
        }

        var copy = take == 0 ? [] : new Message[take];
        for (var i = 0; i < take; i++) copy[i] = At(skip + i);
        return copy;
    }

    private Message At(int index) => _items[(_head + index) & (_items.Length - 1)];

    private void DropOldest()
    {
        _bytes -= _items[_head].Json.Length;
        _items[_head] = null!;
        _head = (_head + 1) & (_items.Length - 1);
        _count--;
        First++;
    }

    private void Resize(int capacity)
    {
        var items = new Message[capacity];
        for (var i = 0; i < _count; i++) items[i] = At(i);
        _items = items;
        _head = 0;
    }
}
