using CComet.Subscriptions;
using CComet.Transports;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CComet.Http;

/// <summary>A request that is answered with a stream, from its beginning to its line in the log.</summary>
internal sealed class StreamRequest(RequestPipeline pipeline, HttpContext context, long began, Subscriber subscriber) : IStreamRequest
{
    /// <summary>Not the context's own way to it, which is gone with the request: a client may be cut off in that very moment.</summary>
    private readonly IHttpRequestLifetimeFeature _lifetime = context.Features.GetRequiredFeature<IHttpRequestLifetimeFeature>();
    private readonly CancellationTokenRegistration _gone = pipeline.Tuning.OnGone(context, subscriber);

    public void Abort() => _lifetime.Abort();

    public (string Text, long Expires)? NextTicket() => pipeline.Access.IssueNext(subscriber);

    public async ValueTask EndAsync(Exception? failure)
    {
        await _gone.DisposeAsync();
        pipeline.CloseWhenDraining(context);
        if (failure is null) pipeline.Ended(context, began);
        else await pipeline.FailAsync(context, failure, null, began, RequestForm.Native);
    }
}
