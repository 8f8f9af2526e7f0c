using System.Net;
using System.Text;

namespace CComet.Simulator.Wire;

/// <summary>The options, as given, cannot be run: exit code 2.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>The server does not answer: exit code 3.</summary>
internal sealed class NoServerException(string message) : Exception(message);

/// <summary>The server that is tried: its address, and the ends of the requests to it.</summary>
internal sealed class Target
{
    private Target(Uri url, IPEndPoint endPoint)
    {
        Url = url;
        EndPoint = endPoint;
        RequestEnd = Encoding.ASCII.GetBytes($" HTTP/1.1\r\nHost: {url.Authority}\r\n");
        Base = Encoding.ASCII.GetBytes(url.AbsolutePath.TrimEnd('/'));
    }

    public Uri Url { get; }

    public IPEndPoint EndPoint { get; }

    /// <summary>What follows the path of a request's first line, with the Host; more headers may follow.</summary>
    public byte[] RequestEnd { get; }

    /// <summary>The path before <c>/sub</c>, empty or without a slash at its end.</summary>
    public byte[] Base { get; }

    /// <summary>Resolves the name, and refuses a host that is not this machine unless its owner said so.</summary>
    /// <param name="url">Such as <c>http://127.0.0.1:5000</c>.</param>
    /// <param name="ownsHost">Whether <c>--i-own-this-host</c> was given.</param>
    /// <param name="resolve">Gives a name's addresses.</param>
    public static async Task<Target> ResolveAsync(string url, bool ownsHost, Func<string, Task<IPAddress[]>>? resolve = null)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttp || uri.Host.Length == 0 || uri.Query.Length > 0)
            throw new UsageException($"--url: '{url}' is not an address such as http://127.0.0.1:5000.");
        IPAddress[] addresses;
        try
        {
            addresses = IPAddress.TryParse(uri.DnsSafeHost, out var literal) ? [literal] : await (resolve ?? Dns.GetHostAddressesAsync)(uri.DnsSafeHost);
        }
        catch (System.Net.Sockets.SocketException e)
        {
            throw new NoServerException($"--url: '{uri.Host}' cannot be resolved: {e.Message}");
        }

        if (addresses.Length == 0) throw new NoServerException($"--url: '{uri.Host}' has no address.");
        if (!ownsHost && !addresses.All(IPAddress.IsLoopback))
            throw new UsageException($"--url: '{uri.Host}' is not this machine. A load like this is an attack on a host that is not yours; add --i-own-this-host if it is.");
        var address = addresses.FirstOrDefault(a => a.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork) ?? addresses[0];
        return new Target(uri, new IPEndPoint(address, uri.Port));
    }
}
