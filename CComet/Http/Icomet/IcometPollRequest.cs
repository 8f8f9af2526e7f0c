using CComet.Channels;
using CComet.Dialects.Icomet;
using CComet.Messages;
using CComet.Subscriptions;
using CComet.Transports;

namespace CComet.Http.Icomet;

/// <summary>A request of <c>/sub</c> or <c>/poll</c>, from its beginning to its end.</summary>
/// <typeparam name="T">The request; a struct is a part of this object.</typeparam>
internal sealed class IcometPollRequest<T>(T request, IcometSubscription asked, Subscriber subscriber) : IPollRequest
    where T : IWaitingRequest
{
    private readonly long _startedAt = subscriber.Hub.Time.GetTimestamp();
    private readonly CancellationTokenRegistration _gone = request.OnGone(subscriber);
    private bool _hasWaited;

    /// <inheritdoc/>
    public TimeSpan Wait => subscriber.Hub.Options.Poll.Timeout - subscriber.Hub.Time.GetElapsedTime(_startedAt);

    /// <inheritdoc/>
    public bool Tells(IReadOnlyList<Reading> readings) => IcometPollAnswer.Tells(readings);

    /// <inheritdoc/>
    public void Park()
    {
        _hasWaited = true;
        request.Park();
    }

    /// <inheritdoc/>
    public ValueTask AnswerAsync(IReadOnlyList<Reading> readings, WakeReason wake) =>
        new(IcometAnswer.WriteAsync(request, request.Callback, ResponseHead.Array, IcometPollAnswer.Create(subscriber, readings, asked.Noop, isBacklog: !_hasWaited)));

    /// <inheritdoc/>
    public async ValueTask EndAsync(Exception? failure)
    {
        await _gone.DisposeAsync();
        await request.EndAsync(failure, failure is null ? IcometForm.Poll : IcometForm.PollOf(asked.Channel));
    }
}
