namespace CComet.Http.Credentials;

/// <summary>What a request does, by which its cookie counts or not.</summary>
internal enum CredentialUse
{
    /// <summary>It reads.</summary>
    Read,

    /// <summary>It may change something.</summary>
    Change,

    /// <summary>It opens a WebSocket, which reads and may publish.</summary>
    Socket,
}
