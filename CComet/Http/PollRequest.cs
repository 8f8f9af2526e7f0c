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

    /// <summary>The ticket that follows the one by which a subscriber came, as an element of its answer; nothing when there is none.</summary>
    public static IEnumerable<ReadOnlyMemory<byte>> TicketOf(RequestPipeline pipeline, Subscriber subscriber)
    {
        if (pipeline.NextTicket(subscriber) is var (text, expires)) yield return TicketJson.EncodeElement(text, expires);
    }

    /// <inheritdoc/>
    public TimeSpan Wait => wait;

    /// <inheritdoc/>
    public bool Tells(IReadOnlyList<Reading> readings) => true;

    /// <inheritdoc/>
    public void Park() => pipeline.Tuning.Lighten(context.Request);

    /// <inheritdoc/>
    public ValueTask AnswerAsync(IReadOnlyList<Reading> readings, WakeReason wake)
    {
        if (wake == WakeReason.Revoked) throw WireException.Revoked();
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
        if (callback is not null && subscriber.Grant is { IsNarrow: true })
        {
            // A script sends no header: with each answer comes the ticket for the next poll.
            IReadOnlyList<ReadOnlyMemory<byte>> elements = answer.Array.IsEmpty ? answer.Elements : [answer.Array[1..^JsonArray.LineEnd.Length]];
            return ResponseWriter.WriteArrayAsync(context.Response, head, callback, [.. elements, .. TicketOf(pipeline, subscriber)]);
        }

        return answer.Array.IsEmpty
            ? ResponseWriter.WriteArrayAsync(context.Response, head, callback, answer.Elements)
            : ResponseWriter.WriteArrayAsync(context.Response, head, callback, answer.Array);
    }
}
