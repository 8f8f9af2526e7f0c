using System.Net;
using System.Net.Sockets;

namespace CComet.Web.Hosting.Webhooks;

/// <summary>Opens the connections to a webhook, to addresses that may be posted to alone.</summary>
/// <remarks>It connects to the addresses that it has looked at: a name that means another address a moment later leads nowhere else.</remarks>
/// <param name="networks">Addresses and networks that may be posted to although they are not public.</param>
/// <param name="allowsAll">Whether all may.</param>
internal sealed class WebhookConnector(IEnumerable<string> networks, bool allowsAll)
{
    private readonly NetworkList _listed = new(networks);

    /// <summary>Whether an address may be posted to.</summary>
    public bool Allows(IPAddress address) => allowsAll || PublicAddresses.Contains(address) || _listed.Contains(address);

    /// <summary>Connects to the first of a host's addresses that takes it.</summary>
    /// <exception cref="WebhookAddressException">None of them may be posted to.</exception>
    /// <exception cref="SocketException">None of those that may can be reached.</exception>
    public async ValueTask<Stream> ConnectAsync(DnsEndPoint host, CancellationToken cancellation)
    {
        var found = IPAddress.TryParse(host.Host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host.Host, cancellation);
        var allowed = Array.FindAll(found, Allows);
        if (allowed.Length == 0 && found.Length > 0) throw new WebhookAddressException($"its address {found[0]} is not public; list it in Networks to post to it");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, host.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>An address that may not be posted to.</summary>
internal sealed class WebhookAddressException(string message) : Exception(message);
