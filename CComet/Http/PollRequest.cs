using CComet.Channels;
using CComet.Dialects.Native;
using CComet.Messages;
using CComet.Operations;
using CComet.Subscriptions;
using CComet.Transports;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary>A request that is answered by a long poll, from its beginning to its end.</summary>
/// <typeparam name="T">The request; a struct is a part of this object.</typeparam>
internal sealed class PollRequest<T>(T request, Subscriber subscriber, TimeSpan wait) : IPollRequest
    where T : IWaitingRequest
{
    private readonly CancellationTokenRegistration _gone = request.OnGone(subscriber);

    /// <inheritdoc/>
    public TimeSpan Wait => wait;

    /// <inheritdoc/>
    public bool Tells(IReadOnlyList<Reading> readings) => true;

    /// <inheritdoc/>
    public void Park() => request.Park();

    /// <inheritdoc/>
    public ValueTask AnswerAsync(IReadOnlyList<Reading> readings, WakeReason wake)
    {
        if (wake == WakeReason.Revoked) throw WireException.Revoked();
        var answer = PollAnswer.Create(subscriber, readings, wake);
        return new ValueTask(answer.IsReplaced && request.Callback is not null ? HoldBackAsync(answer) : WriteAsync(answer));
    }

    /// <inheritdoc/>
    public ValueTask EndAsync(Exception? failure)
    {
        _gone.Unregister();
        return request.EndAsync(failure, RequestForm.NativePoll);
    }

    private async Task HoldBackAsync(PollAnswer answer)
    {
        await request.DelayAsync(RequestPipeline.HoldBackTime);
        await WriteAsync(answer);
    }

    private Task WriteAsync(in PollAnswer answer)
    {
        // JSONP has no status.
        var callback = request.Callback;
        var status = answer.IsReplaced && callback is null ? StatusCodes.Status409Conflict : StatusCodes.Status200OK;
        var head = ResponseHead.Array with { Status = status, Cursor = answer.Cursor, Retry = answer.Retry };
        if (callback is not null && subscriber.Grant is { IsNarrow: true })
        {
            // A script sends no header: with each answer comes the ticket for the next poll.
            IReadOnlyList<ReadOnlyMemory<byte>> elements = answer.Array.IsEmpty ? answer.Elements : [answer.Array[1..^JsonArray.LineEnd.Length]];
            return ResponseWriter.WriteArrayAsync(request, head, callback, [.. elements, .. PollRequest.TicketOf(request.Access, subscriber)]);
        }

        return answer.Array.IsEmpty
            ? ResponseWriter.WriteArrayAsync(request, head, callback, answer.Elements)
            : ResponseWriter.WriteArrayAsync(request, head, callback, answer.Array);
    }
}

/// <summary>What a poll is answered without one that waits.</summary>
internal static class PollRequest
{
    /// <summary>Whether a poll is answered at once with the cursors to begin at: JSONP has no headers, and without a cursor the first answer's loss would lose messages.</summary>
    public static bool WantsCursors(string? callback, IReadOnlyList<ChannelStart> starts) => callback is not null && starts.Any(s => s.From.Seqid is null);

    /// <summary>Answers with the cursors of a subscriber that has begun.</summary>
    public static Task WriteCursorsAsync<T>(T output, string? callback, AccessOperations access, Subscriber subscriber)
        where T : IResponseOutput =>
        ResponseWriter.WriteArrayAsync(output, ResponseHead.Array, callback, [.. subscriber.CursorNotices.Select(notice => (ReadOnlyMemory<byte>)NoticeJson.Encode(notice)), .. TicketOf(access, subscriber)]);

    /// <summary>The ticket that follows the one by which a subscriber came, as an element of its answer; nothing when there is none.</summary>
    public static IEnumerable<ReadOnlyMemory<byte>> TicketOf(AccessOperations access, Subscriber subscriber)
    {
        if (access.IssueNext(subscriber) is var (text, expires)) yield return TicketJson.EncodeElement(text, expires);
    }
}
