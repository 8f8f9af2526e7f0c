namespace CComet.Messages;

/// <summary>What kind of entry of a log a message is.</summary>
public enum MessageType
{
    /// <summary>A published message; <c>MSG</c> in its record.</summary>
    Msg,

    /// <summary>A sign-in to the channel; <c>SIGN</c> in its record.</summary>
    Sign,
}
