using System.Runtime.CompilerServices;

namespace CComet.Access;

/// <summary>How many subscribers there are by each transport.</summary>
[InlineArray(Length)]
internal struct TransportCounts
{
    /// <summary>How many numbers there are; the last one is that of the server's own.</summary>
    public const int Length = (int)Transport.Own + 1;

    private int _first;

    /// <summary>All but the server's own.</summary>
    public readonly int Total
    {
        get
        {
            var total = 0;
            for (var i = 0; i < (int)Transport.Own; i++) total += this[i];
            return total;
        }
    }
}
