using System.Net.Sockets;
using CComet.Channels;
using CComet.Subscriptions;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary>What a parked request may do with the web server below it: this does nothing that is not every ASP.NET Core server's.</summary>
/// <remarks>Requests keep their headers, answers go through the pipes, and the end of a client is told by the request's own token.</remarks>
internal class RequestTuning
{
    /// <summary>Whether the web server was set up for more.</summary>
    public virtual bool IsOn => false;

    /// <summary>Returns the socket that a stream may write to directly; null when it may not.</summary>
    public virtual Socket? SocketOf(HttpContext context) => null;

    /// <summary>Clears the headers of a request that is about to be parked.</summary>
    public virtual void Lighten(HttpRequest request)
    {
    }

    /// <summary>Signals a subscriber when its client has gone, until the registration is disposed of.</summary>
    public CancellationTokenRegistration OnGone(HttpContext context, Subscriber subscriber) =>
        GoneTokenOf(context).UnsafeRegister(static s => ((Subscriber)s!).Signal(WakeReason.Gone), subscriber);

    /// <summary>Returns the token that says that a client has gone.</summary>
    protected virtual CancellationToken GoneTokenOf(HttpContext context) => context.RequestAborted;
}
