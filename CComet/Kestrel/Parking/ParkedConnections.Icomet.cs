using CComet.Access;
using CComet.Dialects.Icomet;
using CComet.Http.Icomet;
using CComet.Subscriptions;

namespace CComet.Kestrel.Parking;

/// <content>Requests in the dialect of icomet, which are answered by an object beside their slot.</content>
internal sealed partial class ParkedConnections
{
    /// <summary>Checks the token and subscribes. The head is taken once the subscriber has entered.</summary>
    private async Task BeginIcometAsync(BesideRequest request, ParkableRequest asked, ParkableIcomet icomet, CallerContext caller)
    {
        // The caller holds the slot's lock.
        await Task.Yield();
        var ((what, framing), front) = (icomet, _icomet!.Front);
        Subscriber subscriber;
        bool tellsNext;
        try
        {
            (subscriber, tellsNext) = await front.BeginAsync(caller, what, CancellationToken.None, isAudited: false);
        }
        catch (LimitException e)
        {
            await RefuseAsync(request, asked, e);
            return;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // What is refused otherwise, the web server refuses again, and tells why.
            Resume(request.Slot, asked, grant: null);
            return;
        }

        if (!TryTake(request, asked.HeadBytes))
        {
            subscriber.Dispose();
        }
        else if (framing is null)
        {
            _ = IcometFront.PollAsync(request, what, subscriber, tellsNext);
        }
        else
        {
            request.BeginStream(subscriber, framing.ContentType);
            _ = front.StreamAsync(new IcometStream(request, socket: null, subscriber, request, framing, what.Noop, tellsNext), what);
        }
    }
}
