namespace CComet.Access;

/// <summary>What a caller may be allowed to do with a channel.</summary>
public enum ChannelRight
{
    /// <summary>Read its messages, those that are kept and those that come.</summary>
    Subscribe,

    /// <summary>Append messages to it, which makes the channel when there is none.</summary>
    Publish,

    /// <summary>See who is in it.</summary>
    Presence,

    /// <summary>Administer it: clear it, close it, end its subscribers.</summary>
    Admin,

    /// <summary>Go by another sname than the user's own; its patterns are of snames, not of channels.</summary>
    Sname,
}
