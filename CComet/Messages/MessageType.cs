namespace CComet.Messages;

/// <summary>What kind of entry of a log a message is.</summary>
public enum MessageType
{
    /// <summary>A published message.</summary>
    Msg,

    /// <summary>A sign-in to the channel.</summary>
    Sign,
}
