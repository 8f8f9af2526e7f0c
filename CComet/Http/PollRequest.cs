using System.Globalization;
using CComet.Subscriptions;
using CComet.Transports;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary>A request that is answered by a long poll, from its beginning to its line in the log.</summary>
internal sealed class PollRequest(RequestPipeline pipeline, HttpContext context, string? callback, long began, Subscriber subscriber) : IPollRequest
{
    private readonly CancellationTokenRegistration _gone = pipeline.Tuning.OnGone(context, subscriber);

    /// <inheritdoc/>
    public void Park() => pipeline.Tuning.Lighten(context.Request);

    /// <inheritdoc/>
    public ValueTask AnswerAsync(in PollAnswer answer)
    {
        pipeline.AnnounceDrain(context);
        var headers = context.Response.Headers;
        headers[ResponseWriter.CursorHeader] = answer.Cursor;
        if (answer.Retry is { } retry) headers[ResponseWriter.RetryHeader] = ((long)retry.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        if (answer.IsReplaced && callback is not null) return new ValueTask(HoldBackAsync(answer));
        if (answer.IsReplaced) context.Response.StatusCode = StatusCodes.Status409Conflict;
        return new ValueTask(WriteAsync(answer));
    }

    /// <inheritdoc/>
    public ValueTask EndAsync(Exception? failure)
    {
        _gone.Unregister();
        if (failure is not null) return new ValueTask(pipeline.FailAsync(context, failure, callback, began, holdsBackErrors: true));
        pipeline.Ended(context, began);
        return ValueTask.CompletedTask;
    }

    private async Task HoldBackAsync(PollAnswer answer)
    {
        await pipeline.HoldBackAsync(context);
        await WriteAsync(answer);
    }

    private Task WriteAsync(in PollAnswer answer) => answer.Array.IsEmpty
        ? ResponseWriter.WriteArrayAsync(context, callback, answer.Elements)
        : ResponseWriter.WriteArrayAsync(context, callback, answer.Array);
}
