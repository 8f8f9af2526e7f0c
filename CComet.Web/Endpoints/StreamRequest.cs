using CComet.Web.Hub;
using CComet.Web.Transports;

namespace CComet.Web.Endpoints;

/// <summary>A request that is answered with a stream, from its beginning to its line in the log.</summary>
internal sealed class StreamRequest(Verb verb, HttpContext context, long began, Subscriber subscriber) : IStreamRequest
{
    private readonly CancellationTokenRegistration _gone = ClientGone.Tell(context, subscriber);

    public void Abort() => context.Abort();

    public async ValueTask EndAsync(Exception? failure)
    {
        await _gone.DisposeAsync();
        if (failure is null) verb.Ended(context, began);
        else await verb.FailAsync(context, failure, null, began, holdsBackErrors: false);
    }
}
