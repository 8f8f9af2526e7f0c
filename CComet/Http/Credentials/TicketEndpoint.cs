using System.Globalization;
using CComet.Access;
using CComet.Dialects.Native;
using CComet.Http.Requests;
using CComet.Operations;
using Microsoft.AspNetCore.Http;

namespace CComet.Http.Credentials;

/// <summary><c>/ticket</c>: gives a ticket, for what can send no header: an EventSource, a script, the address of a WebSocket.</summary>
internal static class TicketEndpoint
{
    private static readonly RequestForm Form = RequestForm.Native with { Names = ParameterNames.OfTicket };

    /// <summary>Creates the endpoint.</summary>
    public static RequestDelegate Create(RequestPipeline pipeline, AccessOperations access) => pipeline.Create(
        parameters => (Channels: ReadChannels(parameters), Right: ReadRight(parameters), Seconds: ReadSeconds(parameters)),
        async (context, caller, asked, _) =>
        {
            var (channels, right, seconds) = asked[0];
            if (caller.Grant?.IsNarrow == true) throw WireException.Forbidden("ticket", "gives no further ticket here; use the token, the cookie, or the tickets that an answer or a stream tells.");
            var (text, expires) = await access.IssueAsync(caller, right, channels, seconds, CancellationToken.None);
            await ResponseWriter.WriteAsync(context.Response, ResponseHead.Object, TicketJson.EncodeLine(text, expires));
        },
        publishes: true,
        form: Form);

    private static IReadOnlyList<string> ReadChannels(Parameters parameters)
    {
        var channels = parameters.Many("channels");
        if (channels.Count == 0) throw WireException.Bad("channels", "is missing: a ticket is for 1 to 64 channels.");
        foreach (var channel in channels) Parameters.CheckName("channels", channel);
        return channels;
    }

    private static ChannelRight ReadRight(Parameters parameters) => GrantFactory.ParseRight(parameters.Required("verb")) switch
    {
        { } right and (ChannelRight.Subscribe or ChannelRight.Publish or ChannelRight.Presence) => right,
        _ => throw WireException.Bad("verb", "must be subscribe, publish or presence."),
    };

    private static int ReadSeconds(Parameters parameters)
    {
        if (parameters.Optional("ttl") is not { } text) return Ticket.MaxSeconds;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 1 and <= Ticket.MaxSeconds
            ? seconds
            : throw WireException.Bad("ttl", $"must be a whole number of seconds, 1 to {Ticket.MaxSeconds}.");
    }
}
