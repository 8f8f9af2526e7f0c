using System.IO.Pipelines;
using CComet.Operations;
using CComet.Subscriptions;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary>A request of the web server that waits.</summary>
/// <remarks>A struct, so that it is a part of the poll that answers it.</remarks>
internal readonly struct WaitingHttpRequest(RequestPipeline pipeline, HttpContext context, string? callback, long began) : IWaitingRequest
{
    /// <inheritdoc/>
    public PipeWriter Body => context.Response.BodyWriter;

    /// <inheritdoc/>
    public string? Callback => callback;

    /// <inheritdoc/>
    public AccessOperations Access => pipeline.Access;

    /// <inheritdoc/>
    public bool HasBegun => context.Response.HasStarted;

    /// <inheritdoc/>
    public bool IsGone => context.RequestAborted.IsCancellationRequested;

    /// <inheritdoc/>
    public void Begin(in ResponseHead head, long? length)
    {
        pipeline.AnnounceDrain(context);
        new HttpOutput(context.Response).Begin(head, length);
    }

    /// <inheritdoc/>
    public CancellationTokenRegistration OnGone(Subscriber subscriber) => pipeline.Tuning.OnGone(context, subscriber);

    /// <inheritdoc/>
    public void Park() => pipeline.Tuning.Lighten(context.Request);

    /// <inheritdoc/>
    public Task DelayAsync(TimeSpan time) => pipeline.DelayAsync(context, time);

    /// <inheritdoc/>
    public ValueTask EndAsync(Exception? failure, RequestForm form)
    {
        if (failure is not null) return new ValueTask(pipeline.FailAsync(context, failure, callback, began, form));
        pipeline.Ended(context, began);
        return ValueTask.CompletedTask;
    }
}
