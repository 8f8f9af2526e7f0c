namespace CComet.Access;

/// <summary>By what a subscriber is told of messages, as metrics tell subscribers apart.</summary>
internal enum Transport : byte
{
    /// <summary>A long poll that is answered with JSON.</summary>
    Poll,

    /// <summary>A long poll that is answered with a script.</summary>
    Jsonp,

    /// <summary>Server-sent events.</summary>
    Sse,

    /// <summary>A stream of JSON lines, or another answer that does not end.</summary>
    Stream,

    /// <summary>A WebSocket.</summary>
    WebSocket,

    /// <summary>None: the subscriber is the server's own, or its application's, and is not counted.</summary>
    Own,
}
