using System.Runtime.CompilerServices;

namespace CComet.Channels;

/// <summary>How a subscriber follows.</summary>
internal enum Transport : byte
{
    /// <summary>It is the server's own, or an application's.</summary>
    None,

    /// <summary>By long polls.</summary>
    Poll,

    /// <summary>By long polls that are answered with scripts.</summary>
    Jsonp,

    /// <summary>By server-sent events.</summary>
    Events,

    /// <summary>By a stream of lines.</summary>
    Lines,

    /// <summary>By a WebSocket.</summary>
    WebSocket,
}

/// <summary>How many subscribers there are by each transport.</summary>
[InlineArray(Length)]
internal struct TransportCounts
{
    /// <summary>How many transports there are.</summary>
    public const int Length = (int)Transport.WebSocket + 1;

    private int _first;

    /// <summary>All but the server's own.</summary>
    public readonly int Total
    {
        get
        {
            var total = 0;
            for (var i = (int)Transport.Poll; i < Length; i++) total += this[i];
            return total;
        }
    }
}
