namespace CComet.Messages;

/// <summary>What kind of entry of a log a message is.</summary>
public enum MessageType
{
    /// <summary>A published message; <c>MSG</c> in its record.</summary>
    Msg,

    /// <summary>A sign-in to the channel; <c>SIGN</c> in its record.</summary>
    Sign,

    /// <summary>A user has come into a channel; <c>JOIN</c> in its record. Only in the logs of presence.</summary>
    Join,

    /// <summary>A user has left a channel; <c>LEAVE</c> in its record. Only in the logs of presence.</summary>
    Leave,
}
