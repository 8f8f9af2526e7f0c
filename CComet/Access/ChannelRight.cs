namespace CComet.Access;

/// <summary>What a caller may be allowed to do with a channel.</summary>
public enum ChannelRight
{
    /// <summary>Read its messages, those that are kept and those that come.</summary>
    Subscribe,

    /// <summary>Append messages to it, which makes the channel when there is none.</summary>
    Publish,
}
