using CComet.Channels;
using CComet.Dialects.Native;
using CComet.Messages;
using CComet.Subscriptions;
using CComet.Transports;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary>A request that is answered by a long poll, from its beginning to its line in the log.</summary>
internal sealed class PollRequest(RequestPipeline pipeline, HttpContext context, string? callback, long began, Subscriber subscriber, TimeSpan wait) : IPollRequest
{
    private readonly CancellationTokenRegistration _gone = pipeline.Tuning.OnGone(context, subscriber);

    /// <inheritdoc/>
    public TimeSpan Wait => wait;

    /// <inheritdoc/>
    public bool Tells(IReadOnlyList<Reading> readings) => true;

    /// <inheritdoc/>
    public void Park() => pipeline.Tuning.Lighten(context.Request);

    /// <inheritdoc/>
    public ValueTask AnswerAsync(IReadOnlyList<Reading> readings, WakeReason wake)
    {
        var answer = PollAnswer.Create(subscriber, readings, wake);
        pipeline.AnnounceDrain(context);
        return new ValueTask(answer.IsReplaced && callback is not null ? HoldBackAsync(answer) : WriteAsync(answer));
    }

    /// <inheritdoc/>
    public ValueTask EndAsync(Exception? failure)
    {
        _gone.Unregister();
        if (failure is not null) return new ValueTask(pipeline.FailAsync(context, failure, callback, began, RequestForm.NativePoll));
        pipeline.Ended(context, began);
        return ValueTask.CompletedTask;
    }

    private async Task HoldBackAsync(PollAnswer answer)
    {
        await pipeline.HoldBackAsync(context);
        await WriteAsync(answer);
    }

    private Task WriteAsync(in PollAnswer answer)
    {
        // JSONP has no status.
        var status = answer.IsReplaced && callback is null ? StatusCodes.Status409Conflict : StatusCodes.Status200OK;
        var head = ResponseHead.Array with { Status = status, Cursor = answer.Cursor, Retry = answer.Retry };
        return answer.Array.IsEmpty
            ? ResponseWriter.WriteArrayAsync(context.Response, head, callback, answer.Elements)
            : ResponseWriter.WriteArrayAsync(context.Response, head, callback, answer.Array);
    }
}
