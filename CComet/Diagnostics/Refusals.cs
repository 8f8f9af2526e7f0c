namespace CComet.Diagnostics;

/// <summary>Why a connection was not taken.</summary>
internal static class ConnectionRefusal
{
    /// <summary>Its address has as many as it may; it was closed at once.</summary>
    public const string Address = "address";

    /// <summary>As many are open as may be; others wait until one is closed.</summary>
    public const string Connections = "connections";

    /// <summary>It could not be accepted, most often as no descriptor is free; it waits.</summary>
    public const string Accept = "accept";

    /// <summary>All of them.</summary>
    public static readonly string[] All = [Address, Connections, Accept];
}

/// <summary>Why a request was refused.</summary>
internal static class RequestRefusal
{
    /// <summary>Something in it is wrong.</summary>
    public const string Request = "request";

    /// <summary>It has no credential, or one that does not hold.</summary>
    public const string Credential = "credential";

    /// <summary>A right is missing, or was revoked.</summary>
    public const string Right = "right";

    /// <summary>A bound is met; <c>ccomet.limit.refused</c> says which.</summary>
    public const string Limit = "limit";

    /// <summary>The server is stopping.</summary>
    public const string Draining = "draining";

    /// <summary>The store cannot be reached.</summary>
    public const string Store = "store";

    /// <summary>Whether it may cannot be decided: keys or the application's hook give no answer.</summary>
    public const string Undecided = "undecided";

    /// <summary>All of them.</summary>
    public static readonly string[] All = [Request, Credential, Right, Limit, Draining, Store, Undecided];
}
