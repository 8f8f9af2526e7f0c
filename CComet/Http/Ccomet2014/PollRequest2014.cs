using CComet.Access;
using CComet.Channels;
using CComet.Dialects.Ccomet2014;
using CComet.Dialects.Native;
using CComet.Messages;
using CComet.Operations;
using CComet.Subscriptions;
using CComet.Transports;
using Microsoft.AspNetCore.Http;

namespace CComet.Http.Ccomet2014;

/// <summary>A request of <c>/subscribe</c>, from its beginning to its end.</summary>
/// <typeparam name="T">The request; a struct is a part of this object.</typeparam>
internal sealed class PollRequest2014<T>(T request, ChannelOperations operations, CallerContext caller, ChannelStart start, string? sname, TimeSpan wait) : IPollRequest
    where T : IWaitingRequest
{
    /// <summary>What a script is that calls nothing.</summary>
    private static readonly byte[] EmptyScript = "/**/"u8.ToArray();

    private CallerContext Caller => caller with { Transport = request.Callback is null ? Transport.Poll : Transport.Jsonp };

    private readonly long _startedAt = operations.Context.Time.GetTimestamp();
    private CancellationTokenRegistration _gone;
    private bool _hasWaited;

    /// <inheritdoc/>
    public TimeSpan Wait => wait - operations.Context.Time.GetElapsedTime(_startedAt);

    /// <inheritdoc/>
    public bool Tells(IReadOnlyList<Reading> readings) => PollAnswer2014.Tells(readings, _hasWaited);

    /// <inheritdoc/>
    public void Park()
    {
        _hasWaited = true;
        request.Park();
    }

    /// <inheritdoc/>
    public ValueTask AnswerAsync(IReadOnlyList<Reading> readings, WakeReason wake)
    {
        if (wake == WakeReason.Revoked) throw WireException.Revoked();
        var elements = PollAnswer2014.Create(readings, _hasWaited);
        if (elements.Count > 0) return new ValueTask(ResponseWriter.WriteArrayAsync(request, ResponseHead.Array, request.Callback, elements));
        return new ValueTask(wake is WakeReason.Replaced or WakeReason.Closed or WakeReason.Kicked ? HoldBackAsync() : WriteNothingAsync());
    }

    /// <inheritdoc/>
    public async ValueTask EndAsync(Exception? failure)
    {
        await _gone.DisposeAsync();
        if (failure is null || !MayPass(failure))
        {
            await request.EndAsync(failure, RequestForm2014.Poll);
        }
        else if (Wait > TimeSpan.Zero && !operations.Context.IsDraining && !request.IsGone)
        {
            await SubscribeEndpoint.RetryAsync(this);
        }
        else
        {
            await HoldBackAsync();
            await request.EndAsync(failure: null, RequestForm2014.Poll);
        }
    }

    /// <summary>Subscribes. A seqid beyond the end is one of an earlier log: everything kept is wanted.</summary>
    /// <param name="isAudited">Whether a right that is missing is written to the audit log.</param>
    public async ValueTask<Subscriber> BeginAsync(bool isAudited = true)
    {
        var subscriber = await operations.SubscribeAsync(Caller, [start], sname, isAudited);
        try
        {
            await subscriber.BeginOrLeaveAsync();
            return subscriber;
        }
        catch (SeqidBeyondEndException)
        {
            subscriber = await operations.SubscribeAsync(Caller, [start with { From = new Cursor(null, 0) }], sname);
            await subscriber.BeginOrLeaveAsync();
            return subscriber;
        }
    }

    /// <summary>Runs the poll.</summary>
    public Task PollAsync(Subscriber subscriber)
    {
        _gone = request.OnGone(subscriber);
        return PollLoop.RunAsync(this, subscriber);
    }

    /// <summary>Waits; ends early when the client has gone, which the next attempt finds out.</summary>
    public Task DelayAsync(TimeSpan time) => request.DelayAsync(time);

    /// <summary>Whether what refused a poll may be over in a moment, and there is a page that an error would end.</summary>
    private bool MayPass(Exception failure) => request.Callback is not null && !request.HasBegun && failure is LimitException or StoreUnavailableException or DrainingException;

    private async Task HoldBackAsync()
    {
        // Two pages of one name take it from each other in turn.
        await request.DelayAsync(RequestPipeline.HoldBackTime);
        await WriteNothingAsync();
    }

    /// <summary>Ends the request without calling the page, which then asks again as after its own timeout.</summary>
    private Task WriteNothingAsync()
    {
        if (request.Callback is not null) return ResponseWriter.WriteAsync(request, new ResponseHead(StatusCodes.Status200OK, Jsonp.ContentType), EmptyScript);
        request.Begin(ResponseHead.Nothing, length: null);
        return Task.CompletedTask;
    }
}
