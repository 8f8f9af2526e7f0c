using System.Runtime.InteropServices;

namespace CComet.Kestrel.Parking;

/// <summary>What a connection is doing.</summary>
internal enum SlotState : byte
{
    /// <summary>The slot has no connection.</summary>
    Free,

    /// <summary>It has yet to bring the head of its next request.</summary>
    Reading,

    /// <summary>A method that waits for something is at work on its request, and goes on from there.</summary>
    Working,

    /// <summary>A long poll that waits in its channel.</summary>
    Poll,

    /// <summary>A stream that waits in its channel.</summary>
    Stream,

    /// <summary>Its client has to take something of an answer first, behind which the next request may come.</summary>
    Answering,

    /// <summary>Its client has to take something of a stream first, which then goes on.</summary>
    Streaming,

    /// <summary>An object beside the slot answers its request.</summary>
    Beside,
}

/// <summary>What is known of a connection beside its state.</summary>
[Flags]
internal enum SlotFlags : byte
{
    None,

    /// <summary>Something came from it that has not been looked at.</summary>
    HasData = 1,

    /// <summary>Its client sends nothing more.</summary>
    IsHalfClosed = 2,

    /// <summary>Nothing is kept of it behind what is sent last.</summary>
    ClosesNext = 4,

    /// <summary>The slot's lock.</summary>
    IsLocked = 8,

    /// <summary>A part of a head has come.</summary>
    HasPartOfHead = 16,

    /// <summary>The same bit, of a stream: it has waited, so that what it reads since was appended while it was here.</summary>
    IsLive = HasPartOfHead,

    /// <summary>Its subscriber follows by a stream.</summary>
    IsStream = 32,

    /// <summary>Its subscriber's right was revoked.</summary>
    IsRefused = 64,

    /// <summary>Its stream is one of JSON lines.</summary>
    IsOfLines = 128,
}

/// <summary>A connection, and the subscriber that waits on it, if one does: 56 bytes without a reference, so that the collector does not look at them.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct ParkedSlot
{
    /// <summary>The next seqid that its subscriber wants.</summary>
    public long Next;

    /// <summary>Its socket.</summary>
    public int Descriptor;

    /// <summary>The channel and epoch that its subscriber follows, in <see cref="ParkedConnections"/>' table; 0 for none.</summary>
    public int Channel;

    /// <summary>Its slot in the channel's list, or -1. Guarded by the channel's lock.</summary>
    public int Listed;

    /// <summary>Its client's address, in the table.</summary>
    public int Client;

    /// <summary>What its credential gives it, in the table; 0 for none.</summary>
    public int Grant;

    /// <summary>What the answer to its poll says of the page that asks, in the table; 0 for nothing.</summary>
    public int Page;

    /// <summary>When its request began, in milliseconds of the process's time; for its line in the log.</summary>
    public int Began;

    /// <summary>When something was last written to it, in milliseconds of the process's time.</summary>
    public int WroteAt;

    /// <summary>Its neighbours on the wheel, and the tick at which it is due; 0 while it is not on it. Guarded by the wheel's lock.</summary>
    public int WheelNext;
    public int WheelPrevious;
    public int DueTick;

    /// <summary>Counts the connections that the slot has had: an event of an earlier one is recognised by it.</summary>
    public ushort Generation;

    /// <summary>What the connection is doing.</summary>
    public SlotState State;

    /// <summary>What else is known of it, its lock included.</summary>
    public SlotFlags Flags;
}
