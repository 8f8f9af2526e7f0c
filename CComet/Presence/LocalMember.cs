using CComet.Messages;

namespace CComet.Presence;

/// <summary>A member of a log, such as a user, that has, or had a moment ago, connections on this node. Guarded by the tracker's lock.</summary>
internal sealed class LocalMember(string log, string name)
{
    /// <summary>The log.</summary>
    public string Log => log;

    /// <summary>The member.</summary>
    public string Name => name;

    /// <summary>Whether it is a user in a channel.</summary>
    public bool IsUser { get; } = Names.FindPresenceOf(log) is not null;

    /// <summary>What is told of it: one JSON value in UTF-8, or nothing.</summary>
    public ReadOnlyMemory<byte> Info { get; set; }

    /// <summary>How many connections it has.</summary>
    public int Connections { get; set; }

    /// <summary>Its place among those without connections, by the time at which the last one ended; null while it has some.</summary>
    public LinkedListNode<(LocalMember Member, long Since)>? Vacant { get; set; }

    /// <summary>Whether the store is to hold it.</summary>
    public bool IsWanted { get; set; }

    /// <summary>Whether the store holds it, by this node's name.</summary>
    public bool IsHeld { get; set; }

    /// <summary>Whether it waits to be told to the store.</summary>
    public bool IsQueued { get; set; }

    /// <summary>Whether the store had no room for it.</summary>
    public bool IsRefused { get; set; }
}
