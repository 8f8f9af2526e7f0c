using CComet.Channels;
using CComet.Dialects.Icomet;
using CComet.Messages;
using CComet.Subscriptions;
using CComet.Transports;
using Microsoft.AspNetCore.Http;

namespace CComet.Http.Icomet;

/// <summary>A request of <c>/sub</c> or <c>/poll</c>, from its beginning to its line in the log.</summary>
internal sealed class IcometPollRequest : IPollRequest
{
    private readonly RequestPipeline _pipeline;
    private readonly HttpContext _context;
    private readonly string? _callback;
    private readonly long _began;
    private readonly IcometSubscribers _subscribers;
    private readonly IcometSubscription _asked;
    private readonly Subscriber _subscriber;
    private readonly CancellationTokenRegistration _gone;
    private readonly long _startedAt;
    private bool _hasWaited;

    public IcometPollRequest(RequestPipeline pipeline, HttpContext context, string? callback, long began, IcometSubscribers subscribers, IcometSubscription asked, Subscriber subscriber)
    {
        (_pipeline, _context, _callback, _began, _subscribers, _asked, _subscriber) = (pipeline, context, callback, began, subscribers, asked, subscriber);
        _startedAt = subscriber.Hub.Time.GetTimestamp();
        subscribers.Add(asked.Channel, subscriber);
        _gone = pipeline.Tuning.OnGone(context, subscriber);
    }

    /// <inheritdoc/>
    public TimeSpan Wait => _subscriber.Hub.Options.Poll.Timeout - _subscriber.Hub.Time.GetElapsedTime(_startedAt);

    private byte[] Channel => IcometJson.Quote(_asked.Channel);

    /// <inheritdoc/>
    public bool Tells(IReadOnlyList<Reading> readings)
    {
        foreach (var reading in readings)
        {
            if (reading.Notice is not null || IcometJson.Count(reading.Batch) > 0) return true;
        }

        return false;
    }

    /// <inheritdoc/>
    public void Park()
    {
        _hasWaited = true;
        _pipeline.Tuning.Lighten(_context.Request);
    }

    /// <inheritdoc/>
    public ValueTask AnswerAsync(IReadOnlyList<Reading> readings, WakeReason wake)
    {
        _pipeline.AnnounceDrain(_context);
        return new ValueTask(IcometForm.WriteAsync(_context.Response, _callback, Encode(readings, wake)));
    }

    /// <inheritdoc/>
    public async ValueTask EndAsync(Exception? failure)
    {
        await _gone.DisposeAsync();
        _subscribers.Remove(_asked.Channel, _subscriber);
        if (failure is null) _pipeline.Ended(_context, _began);
        else await _pipeline.FailAsync(_context, failure, _callback, _began, IcometForm.Poll);
    }

    /// <summary>Encodes an object, or an array: of a backlog always, and of several objects.</summary>
    private byte[] Encode(IReadOnlyList<Reading> readings, WakeReason wake)
    {
        var (count, messages) = (0, new List<ReadOnlyMemory<byte>>(1));
        foreach (var reading in readings)
        {
            // A log that began anew: the client asks again from there, as it does on a seq that is none of the channel's.
            if (reading.Notice is { Kind: NoticeKind.Reset }) return IcometJson.NextSeq(Channel, 0);
            if (IcometJson.Count(reading.Batch) is var more and > 0)
            {
                count += more;
                messages.Add(reading.Batch.As(IcometJson.Joined));
            }
        }

        if (count == 0)
        {
            if (wake == WakeReason.Closed) return IcometJson.Close(Channel, _subscriber.At(0).Next);
            return readings.Count > 0 ? IcometJson.NextSeq(Channel, _subscriber.At(0).Next) : IcometJson.Noop(Channel, _asked.Noop);
        }

        if (count == 1 && _hasWaited) return messages[0].ToArray();
        var array = new List<byte> { (byte)'[' };
        foreach (var joined in messages)
        {
            if (array.Count > 1) array.Add((byte)',');
            array.AddRange(joined.Span);
        }

        array.Add((byte)']');
        return [.. array];
    }
}
