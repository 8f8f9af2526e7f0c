using CComet.Access;
using CComet.Dialects.Icomet;
using CComet.Dialects.Native;
using CComet.Messages;
using CComet.Operations;
using CComet.Subscriptions;
using CComet.Transports;

namespace CComet.Http.Icomet;

/// <summary>Begins and answers what subscribers of icomet's dialect ask for, at the web server or parked below it.</summary>
/// <param name="operations">Subscribes.</param>
/// <param name="access">Makes grants.</param>
/// <param name="tokens">Checks tokens; null where none is needed.</param>
internal sealed class IcometFront(ChannelOperations operations, AccessOperations access, ChannelTokens? tokens)
{
    /// <summary>The paths of requests that wait, each with the framing of its stream; null for a poll.</summary>
    public static readonly IReadOnlyList<(string Path, IcometFraming? Framing)> Waiting =
    [
        ("/sub", null),
        ("/poll", null),
        ("/stream", IcometFraming.Lines),
        ("/sse", IcometFraming.Events),
        ("/iframe", IcometFraming.Scripts),
    ];

    /// <summary>By what a subscriber is told of messages.</summary>
    /// <param name="framing">The framing of its stream; null for a poll.</param>
    /// <param name="callback">The function that the answer to a poll calls; null for none.</param>
    public static Transport TransportOf(IcometFraming? framing, string? callback)
    {
        if (framing is null) return callback is null ? Transport.Poll : Transport.Jsonp;
        return framing == IcometFraming.Events ? Transport.Sse : Transport.Stream;
    }

    /// <summary>Subscribes. A seq that is none of the channel's is one that begins at its end.</summary>
    /// <param name="caller">The subscriber's client; its grant is made here.</param>
    /// <param name="asked">What it asks for.</param>
    /// <param name="gone">Ends the waiting for the key of tokens.</param>
    /// <param name="isAudited">Whether a right that is missing is written to the audit log.</param>
    /// <returns>The subscriber, which has begun, and whether it has to be told first where it goes on.</returns>
    /// <exception cref="WireException">403: the token does not hold.</exception>
    /// <exception cref="LimitException">A subscriber or a channel too many.</exception>
    public async ValueTask<(Subscriber Subscriber, bool TellsNext)> BeginAsync(CallerContext caller, IcometSubscription asked, CancellationToken gone, bool isAudited = true)
    {
        if (tokens is not null && !await tokens.CheckAsync(asked.Channel, asked.Token, gone)) throw WireException.Forbidden("token", "does not hold for this channel, or no longer.");
        if (access.IsOn) caller = caller with { Grant = tokens is null ? access.Grants.Anonymous : access.Grants.Create(ChannelRight.Subscribe, asked.Channel, "token of icomet") };
        var subscriber = await operations.SubscribeAsync(caller, [new ChannelStart(asked.Channel, new Cursor(null, asked.Seq > 0 ? asked.Seq - 1 : null))], sname: null, isAudited);
        var tellsNext = false;
        try
        {
            await subscriber.BeginOrLeaveAsync();
        }
        catch (SeqidBeyondEndException)
        {
            subscriber = await operations.SubscribeAsync(caller, [new ChannelStart(asked.Channel, Cursor.None)], sname: null, isAudited);
            await subscriber.BeginOrLeaveAsync();
            tellsNext = true;
        }

        return (subscriber, tellsNext || (asked.Seq == 0 && subscriber.At(0).Next > 0));
    }

    /// <summary>Runs a poll until it is answered, and ends its request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="asked">What it asks for.</param>
    /// <param name="subscriber">Its subscriber, which has begun.</param>
    /// <param name="tellsNext">Whether it is answered at once with the seq from which it goes on.</param>
    public static Task PollAsync<T>(T request, IcometSubscription asked, Subscriber subscriber, bool tellsNext)
        where T : IWaitingRequest =>
        tellsNext ? TellNextAsync(request, asked, subscriber) : PollLoop.RunAsync(new IcometPollRequest<T>(request, asked, subscriber), subscriber);

    /// <summary>Runs a stream until it ends; its token holds for as long.</summary>
    /// <param name="stream">The stream, whose head is sent.</param>
    /// <param name="asked">What its request asks for.</param>
    public Task StreamAsync(IcometStream stream, IcometSubscription asked) => tokens is null ? stream.RunAsync() : HoldAsync(tokens, stream, asked.Token!);

    private static async Task HoldAsync(ChannelTokens tokens, IcometStream stream, string token)
    {
        tokens.Hold(token);
        try
        {
            await stream.RunAsync();
        }
        finally
        {
            tokens.Release(token);
        }
    }

    private static async Task TellNextAsync<T>(T request, IcometSubscription asked, Subscriber subscriber)
        where T : IWaitingRequest
    {
        Exception? failure = null;
        try
        {
            using var left = subscriber;
            await IcometAnswer.WriteAsync(request, request.Callback, IcometJson.NextSeq(IcometJson.Quote(asked.Channel), subscriber.At(0).Next));
        }
        catch (Exception e)
        {
            failure = e;
        }

        await request.EndAsync(failure, IcometForm.PollOf(asked.Channel));
    }
}
