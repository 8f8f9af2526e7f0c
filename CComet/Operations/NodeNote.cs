namespace CComet.Operations;

/// <summary>What one node tells the others (<see cref="NodeLog"/>).</summary>
/// <param name="Kind">What the note is about.</param>
/// <param name="Channels">The channels that it names; null for none.</param>
/// <param name="Id">The name of what it asks to be done once; null for none.</param>
/// <param name="Text">A text as a JSON string; null for none.</param>
internal sealed record NodeNote(NodeNoteKind Kind, IReadOnlyList<string>? Channels = null, string? Id = null, string? Text = null)
{
    /// <summary>How many channels one note names at most.</summary>
    public const int MaxNames = 100;

    /// <summary>The node that wrote it.</summary>
    public string Node { get; init; } = "";
}

/// <summary>The kinds of notes. Their numbers are kept in logs: none may change.</summary>
internal enum NodeNoteKind
{
    /// <summary>The node lives; its text is what it tells of itself (<see cref="NodeStatus"/>).</summary>
    Alive = 0,

    /// <summary>The node wants to know what the others have.</summary>
    Ask = 1,

    /// <summary>The channels have subscribers on the node.</summary>
    Online = 2,

    /// <summary>They have none any more.</summary>
    Offline = 3,

    /// <summary>A text for all channels that are open on any node.</summary>
    Broadcast = 4,

    /// <summary>The channels are closed.</summary>
    Close = 5,

    /// <summary>A revocation: its text is what is revoked, its id since when.</summary>
    Revoke = 6,

    /// <summary>The connections of a user, its id, or to the channels are ended.</summary>
    Kick = 7,

    /// <summary>The node whose name is the id sends its subscribers away.</summary>
    Drain = 8,

    /// <summary>The nodes tell how many subscribers the one channel has; the id is that of the question.</summary>
    Count = 9,

    /// <summary>How many they are by each transport: its text is an array of numbers, its id that of the question.</summary>
    Counted = 10,

    /// <summary>The channels' logs have been appended to, and a webhook is told of them.</summary>
    Appended = 11,
}
