using System.Net.Sockets;
using CComet.Channels;
using CComet.Subscriptions;
using Microsoft.AspNetCore.Http;

namespace CComet.Kestrel;

/// <summary>What a parked request may do with the web server below it.</summary>
/// <remarks>
/// Each of these relies on how Kestrel was set up by <c>UseCCometKestrel()</c>, and can be noticed by other middleware of the same
/// application. Without that call nothing of it is done: requests keep their headers, answers go through the pipes, and the end of a client
/// is told by the request's own token.
/// </remarks>
/// <param name="isOn">Whether the web server was set up for it.</param>
internal sealed class RequestTuning(bool isOn)
{
    /// <summary>Does nothing that is not every ASP.NET Core server's.</summary>
    public static readonly RequestTuning Off = new(isOn: false);

    /// <summary>Does all of it.</summary>
    public static readonly RequestTuning On = new(isOn: true);

    /// <summary>Whether the web server was set up for it.</summary>
    public bool IsOn => isOn;

    /// <summary>Returns the socket that a stream may write to directly; null when it may not.</summary>
    public Socket? SocketOf(HttpContext context) => isOn ? PlainSocket.Find(context) : null;

    /// <summary>Clears the headers of a request that is about to be parked.</summary>
    public void Lighten(HttpRequest request)
    {
        if (isOn) WaitingRequest.Lighten(request);
    }

    /// <summary>Signals a subscriber when its client has gone, until the registration is disposed of.</summary>
    public CancellationTokenRegistration OnGone(HttpContext context, Subscriber subscriber)
    {
        var gone = isOn ? ClientGone.TokenOf(context) : context.RequestAborted;
        return gone.UnsafeRegister(static s => ((Subscriber)s!).Signal(WakeReason.Gone), subscriber);
    }
}
