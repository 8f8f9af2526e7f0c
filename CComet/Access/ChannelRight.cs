namespace CComet.Access;

/// <summary>What a caller may be allowed to do with a channel.</summary>
public enum ChannelRight
{
    /// <summary>Read its messages.</summary>
    Subscribe,

    /// <summary>Append messages to it.</summary>
    Publish,
}
