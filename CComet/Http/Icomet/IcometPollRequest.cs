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
    private readonly IcometSubscription _asked;
    private readonly Subscriber _subscriber;
    private readonly CancellationTokenRegistration _gone;
    private readonly long _startedAt;
    private bool _hasWaited;

    public IcometPollRequest(RequestPipeline pipeline, HttpContext context, string? callback, long began, IcometSubscription asked, Subscriber subscriber)
    {
        (_pipeline, _context, _callback, _began, _asked, _subscriber) = (pipeline, context, callback, began, asked, subscriber);
        _startedAt = subscriber.Hub.Time.GetTimestamp();
        _gone = pipeline.Tuning.OnGone(context, subscriber);
    }

    /// <inheritdoc/>
    public TimeSpan Wait => _subscriber.Hub.Options.Poll.Timeout - _subscriber.Hub.Time.GetElapsedTime(_startedAt);

    /// <inheritdoc/>
    public bool Tells(IReadOnlyList<Reading> readings) => IcometPollAnswer.Tells(readings);

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
        return new ValueTask(IcometAnswer.WriteAsync(_context.Response, _callback, ResponseHead.Array, IcometPollAnswer.Create(_subscriber, readings, _asked.Noop, isBacklog: !_hasWaited)));
    }

    /// <inheritdoc/>
    public async ValueTask EndAsync(Exception? failure)
    {
        await _gone.DisposeAsync();
        if (failure is null) _pipeline.Ended(_context, _began);
        else await _pipeline.FailAsync(_context, failure, _callback, _began, IcometForm.Poll);
    }
}
