using CComet.Messages;

namespace CComet.Storage;

/// <summary>Makes the messages of a log of presence.</summary>
internal static class PresenceMessages
{
    /// <summary>Makes the message of a member that has come.</summary>
    public static NewMessage Join(string log, MemberChange change) => new(log, MessageType.Join, change.Member, change.Info);

    /// <summary>Makes the message of a member that has left.</summary>
    public static NewMessage Leave(string log, MemberChange change) => new(log, MessageType.Leave, change.Member, default);
}
