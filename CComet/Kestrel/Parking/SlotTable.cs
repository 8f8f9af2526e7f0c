namespace CComet.Kestrel.Parking;

/// <summary>The slots of all connections, in chunks that stay where they are, so that a slot is used by reference.</summary>
internal sealed class SlotTable
{
    private const int ChunkBits = 10;
    private const int ChunkSize = 1 << ChunkBits;
    private const byte Locked = (byte)SlotFlags.IsLocked;

    private readonly Lock _lock = new();
    private ParkedSlot[][] _chunks = [];
    private int _free = -1;
    private int _used;

    /// <summary>The slot of a number.</summary>
    public ref ParkedSlot this[int slot] => ref Volatile.Read(ref _chunks)[slot >> ChunkBits][slot & (ChunkSize - 1)];

    /// <summary>How many slots there are, those that are free included.</summary>
    public int Count => Volatile.Read(ref _used);

    /// <summary>Takes a slot that is free.</summary>
    public int Take()
    {
        lock (_lock)
        {
            if (_free >= 0)
            {
                var slot = _free;
                _free = this[slot].Descriptor;
                return slot;
            }

            if (_used == _chunks.Length * ChunkSize) Volatile.Write(ref _chunks, [.. _chunks, new ParkedSlot[ChunkSize]]);
            this[_used].Listed = -1;
            return _used++;
        }
    }

    /// <summary>Gives a slot back. The caller holds its lock, and has no use for it any more.</summary>
    public void Free(int slot)
    {
        ref var freed = ref this[slot];
        freed.Generation++;
        freed.State = SlotState.Free;
        lock (_lock)
        {
            freed.Descriptor = _free;
            _free = slot;
        }
    }

    /// <summary>Locks a slot. What is done under its lock takes microseconds, and awaits nothing.</summary>
    public ref ParkedSlot Enter(int slot)
    {
        ref var entered = ref this[slot];
        ref var flags = ref System.Runtime.CompilerServices.Unsafe.As<SlotFlags, byte>(ref entered.Flags);
        for (var spin = default(SpinWait); ; spin.SpinOnce(sleep1Threshold: -1))
        {
            var found = Volatile.Read(ref flags);
            if ((found & Locked) == 0 && Interlocked.CompareExchange(ref flags, (byte)(found | Locked), found) == found) return ref entered;
        }
    }

    /// <summary>Unlocks it. All that changes flags holds the lock.</summary>
    public static void Exit(ref ParkedSlot slot) =>
        Volatile.Write(ref System.Runtime.CompilerServices.Unsafe.As<SlotFlags, byte>(ref slot.Flags), (byte)(slot.Flags & ~SlotFlags.IsLocked));
}
