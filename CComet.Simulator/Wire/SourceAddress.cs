using System.Net;

namespace CComet.Simulator.Wire;

/// <summary>From where a connection goes out. One address has about 28,000 ports to give, so more connections need more addresses.</summary>
internal static class SourceAddress
{
    /// <summary>How many connections go out from one address; short of what it has, as others need ports too.</summary>
    public const int PerAddress = 25_000;

    /// <summary>The source of the connection with this number: null leaves it to the system, then 127.0.0.2, 127.0.0.3 and so on.</summary>
    public static IPAddress? For(int number, IPAddress target)
    {
        var block = number / PerAddress;
        if (block == 0 || target.AddressFamily != System.Net.Sockets.AddressFamily.InterNetwork || !IPAddress.IsLoopback(target)) return null;
        return new IPAddress([127, 0, (byte)((block + 1) >> 8), (byte)(block + 1)]);
    }
}
