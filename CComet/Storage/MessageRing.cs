using System.Diagnostics;
using CComet.Messages;

namespace CComet.Storage;

/// <summary>
/// The newest messages of one log, consecutive, bounded by count, bytes and age. Not safe for use by several threads: its
/// owner's lock guards it.
/// </summary>
/// <remarks>
/// Age is measured by one of two clocks, and an owner keeps to one: the wall clock, by the time that a message carries (the tail of
/// a log whose messages come from elsewhere), or a clock that never jumps (the memory store, where nothing outlives the process).
/// </remarks>
internal sealed class MessageRing
{
    /// <summary>What a message takes in memory beside its JSON: the object, and the header of its array.</summary>
    public const int MessageOverhead = 72;

    private const int MinCapacity = 4;
    private const int SlotBytes = 16;

    private readonly HistoryOptions _bounds;
    private (Message Message, long Since)[] _items = [];
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

    /// <summary>About what the messages take in memory, in bytes.</summary>
    public long Memory => _bytes + ((long)_count * MessageOverhead) + ((long)_items.Length * SlotBytes);

    /// <summary>When the oldest message expires, by the owner's clock; <see cref="long.MaxValue"/> when none is held.</summary>
    public long NextExpiry => _count == 0 ? long.MaxValue : _items[_head].Since + MaxAge + 1;

    private long MaxAge => _bounds.MaxAge.Ticks / TimeSpan.TicksPerMillisecond;

    /// <summary>Appends the message whose seqid is <see cref="End"/>, aged by the wall clock, and drops what is now over the bounds.</summary>
    public void Add(Message message, DateTimeOffset now) => Add(message, message.Time, now.ToUnixTimeMilliseconds());

    /// <summary>Appends the message whose seqid is <see cref="End"/>, aged by a clock of the owner's in milliseconds, and drops what is now over the bounds.</summary>
    public void Add(Message message, long now) => Add(message, now, now);

    /// <summary>
    /// Puts older messages before those held, aged by the wall clock; the last of them must have the seqid before <see cref="First"/>.
    /// False, and nothing is done, when the bounds have no room for them.
    /// </summary>
    public bool TryPrepend(ReadOnlySpan<Message> older)
    {
        long bytes = 0;
        foreach (var message in older) bytes += message.Record.Length;
        if (_count + older.Length > _bounds.MaxMessages || _bytes + bytes > _bounds.MaxBytes) return false;

        var capacity = Math.Max(MinCapacity, _items.Length);
        while (capacity < _count + older.Length) capacity *= 2;
        var items = new (Message, long)[capacity];
        for (var i = 0; i < older.Length; i++) items[i] = (older[i], older[i].Time);
        for (var i = 0; i < _count; i++) items[older.Length + i] = At(i);
        (_items, _head) = (items, 0);
        _count += older.Length;
        _bytes += bytes;
        First -= older.Length;
        return true;
    }

    /// <summary>Drops the messages that are older than the bounds allow, by the wall clock.</summary>
    public void Expire(DateTimeOffset now) => Expire(now.ToUnixTimeMilliseconds());

    /// <summary>Drops the messages that are older than the bounds allow, by the owner's clock in milliseconds.</summary>
    public void Expire(long now)
    {
        var oldest = now - MaxAge;
        while (_count > 0 && _items[_head].Since < oldest) DropOldest();
    }

    /// <summary>Drops the oldest messages until so many bytes of memory are free, or none is left.</summary>
    /// <returns>How many bytes it freed.</returns>
    public long Drop(long bytes)
    {
        var before = Memory;
        while (_count > 0 && before - Memory < bytes) DropOldest();
        return before - Memory;
    }

    /// <summary>Drops the oldest messages, and if need be all, until <see cref="Memory"/> is no larger.</summary>
    public void Trim(long maxBytes)
    {
        while (_count > 0 && Memory > maxBytes) DropOldest();
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
            bytes += At(skip + take).Message.Record.Length;
            if (take > 0 && bytes > maxBytes) break;
        }

        var copy = take == 0 ? [] : new Message[take];
        for (var i = 0; i < take; i++) copy[i] = At(skip + i).Message;
        return copy;
    }

    private void Add(Message message, long since, long now)
    {
        if (message.Seqid != End) throw new ArgumentException($"The ring ends at {End}, the message is {message.Seqid}.", nameof(message));
        if (_count == _items.Length) Resize(Math.Max(MinCapacity, _count * 2));
        _items[(_head + _count) & (_items.Length - 1)] = (message, since);
        _count++;
        _bytes += message.Record.Length;

        // The newest always stays, however large: a subscriber that was woken for it must find it.
        while (_count > 1 && (_count > _bounds.MaxMessages || _bytes > _bounds.MaxBytes)) DropOldest();
        Expire(now);
    }

    private (Message Message, long Since) At(int index) => _items[(_head + index) & (_items.Length - 1)];

    private void DropOldest()
    {
        _bytes -= _items[_head].Message.Record.Length;
        _items[_head] = default;
        _head = (_head + 1) & (_items.Length - 1);
        _count--;
        First++;

        // A ring that lost most of what it held gives its slots back; a quarter, so that growing again is paid for by appends.
        if (_count == 0) _items = [];
        else if (_items.Length > MinCapacity && _count <= _items.Length / 4) Resize(_items.Length / 2);
    }

    private void Resize(int capacity)
    {
        Debug.Assert(capacity >= _count, "What is held must fit.");
        var items = new (Message, long)[capacity];
        for (var i = 0; i < _count; i++) items[i] = At(i);
        _items = items;
        _head = 0;
    }
}
