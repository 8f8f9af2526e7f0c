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

/// <summary>A request of <c>/subscribe</c>, from its beginning to its line in the log.</summary>
internal sealed class PollRequest2014(
    RequestPipeline pipeline,
    ChannelOperations operations,
    HttpContext context,
    CallerContext caller,
    string? callback,
    long began,
    ChannelStart start,
    string? sname,
    TimeSpan wait) : IPollRequest
{
    /// <summary>What a script is that calls nothing.</summary>
    private static readonly byte[] EmptyScript = "/**/"u8.ToArray();

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
        pipeline.Tuning.Lighten(context.Request);
    }

    /// <inheritdoc/>
    public ValueTask AnswerAsync(IReadOnlyList<Reading> readings, WakeReason wake)
    {
        if (wake == WakeReason.Revoked) throw WireException.Revoked();
        var elements = PollAnswer2014.Create(readings, _hasWaited);
        pipeline.AnnounceDrain(context);
        if (elements.Count > 0) return new ValueTask(ResponseWriter.WriteArrayAsync(context.Response, ResponseHead.Array, callback, elements));
        return new ValueTask(wake == WakeReason.Replaced ? HoldBackAsync() : WriteNothingAsync());
    }

    /// <inheritdoc/>
    public async ValueTask EndAsync(Exception? failure)
    {
        await _gone.DisposeAsync();
        if (failure is null) pipeline.Ended(context, began);
        else if (!MayPass(failure)) await pipeline.FailAsync(context, failure, callback, began, RequestForm2014.Poll);
        else if (Wait > TimeSpan.Zero && !operations.Context.IsDraining && !context.RequestAborted.IsCancellationRequested) await SubscribeEndpoint.RetryAsync(this, start);
        else await EndWithNothingAsync();
    }

    /// <summary>Subscribes.</summary>
    public ValueTask<Subscriber> SubscribeAsync(ChannelStart from) => operations.SubscribeAsync(caller, [from], sname);

    /// <summary>Runs the poll.</summary>
    public Task PollAsync(Subscriber subscriber)
    {
        _gone = pipeline.Tuning.OnGone(context, subscriber);
        return PollLoop.RunAsync(this, subscriber);
    }

    /// <summary>Waits; ends early when the client has gone.</summary>
    public async Task DelayAsync(TimeSpan time)
    {
        try
        {
            await operations.Context.Wheel.DelayAsync(time, context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            // The next attempt finds out.
        }
    }

    /// <summary>Whether what refused a poll may be over in a moment, and there is a page that an error would end.</summary>
    private bool MayPass(Exception failure) => callback is not null && !context.Response.HasStarted && failure is LimitException or StoreUnavailableException or DrainingException;

    private async Task HoldBackAsync()
    {
        // Two pages of one name take it from each other in turn.
        await pipeline.HoldBackAsync(context);
        await WriteNothingAsync();
    }

    private async Task EndWithNothingAsync()
    {
        await pipeline.HoldBackAsync(context);
        pipeline.AnnounceDrain(context);
        await WriteNothingAsync();
        pipeline.Ended(context, began);
    }

    /// <summary>Ends the request without calling the page, which then asks again as after its own timeout.</summary>
    private Task WriteNothingAsync()
    {
        if (callback is not null) return ResponseWriter.WriteAsync(context.Response, new ResponseHead(StatusCodes.Status200OK, Jsonp.ContentType), EmptyScript);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        context.Response.Headers.CacheControl = "no-store";
        return Task.CompletedTask;
    }
}
