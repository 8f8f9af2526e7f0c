using System.Globalization;
using CComet.Access;
using CComet.Dialects.Native;
using CComet.Http.Requests;
using CComet.Messages;
using CComet.Operations;
using CComet.Subscriptions;
using Microsoft.AspNetCore.Http;

namespace CComet.Http.Icomet;

/// <summary>What a client of icomet asks to be sent.</summary>
/// <param name="Channel">The channel.</param>
/// <param name="Seq">The seq wanted: a seqid and one; 0 for what comes from now on.</param>
/// <param name="Noop">The number of the next <c>noop</c>.</param>
/// <param name="Token">The token, or null.</param>
internal sealed record IcometSubscription(string Channel, long Seq, long Noop, string? Token)
{
    /// <summary>Reads it.</summary>
    public static IcometSubscription Read(Parameters parameters) =>
        new(IcometForm.ReadChannel(parameters), ReadNumber(parameters, "seq", 0), ReadNumber(parameters, "noop", long.MinValue), parameters.Lenient("token"));

    /// <summary>Subscribes. A seq that is none of the channel's is one that begins at its end.</summary>
    /// <returns>The subscriber, which has begun, and whether it has to be told first where it goes on.</returns>
    /// <exception cref="WireException">403: the token does not hold.</exception>
    public async ValueTask<(Subscriber Subscriber, bool TellsNext)> BeginAsync(HttpContext context, ChannelOperations operations, AccessOperations access, ChannelTokens? tokens, Transport transport)
    {
        if (tokens is not null && !await tokens.CheckAsync(Channel, Token, context.RequestAborted)) throw WireException.Forbidden("token", "does not hold for this channel, or no longer.");
        var caller = context.CallerOf() with { Transport = transport };
        if (access.IsOn) caller = caller with { Grant = tokens is null ? access.Grants.Anonymous : access.Grants.Create(ChannelRight.Subscribe, Channel, "token of icomet") };
        var subscriber = await operations.SubscribeAsync(caller, [new ChannelStart(Channel, new Cursor(null, Seq > 0 ? Seq - 1 : null))], sname: null);
        var tellsNext = false;
        try
        {
            await subscriber.BeginOrLeaveAsync();
        }
        catch (SeqidBeyondEndException)
        {
            subscriber = await operations.SubscribeAsync(caller, [new ChannelStart(Channel, Cursor.None)], sname: null);
            await subscriber.BeginOrLeaveAsync();
            tellsNext = true;
        }

        return (subscriber, tellsNext || (Seq == 0 && subscriber.At(0).Next > 0));
    }

    private static long ReadNumber(Parameters parameters, string name, long least)
    {
        if (parameters.Lenient(name) is not { } text) return 0;
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) throw WireException.Bad(name, $"must be a whole number{(least == 0 ? ", 0 or more" : "")}.");
        return Math.Max(least, number);
    }
}
