using System.Diagnostics;
using CComet.Access;
using CComet.Messages;

namespace CComet.Diagnostics;

/// <summary>Traces what the hub does, under the source <c>CComet</c>: nothing is made unless something listens to it.</summary>
/// <remarks>
/// An activity has the channel and counts, and nothing of a message or a credential. It belongs to the request's, which the web server
/// begins by the header <c>traceparent</c>. That of a subscription ends when the subscriber begins to wait: it holds none while it does.
/// </remarks>
internal static class HubActivities
{
    /// <summary>The source's name.</summary>
    public const string SourceName = HubMetrics.MeterName;

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>Begins the activity of an append. It names the channel of the first message.</summary>
    public static Activity? Publish(IReadOnlyList<NewMessage> messages)
    {
        if (!Source.HasListeners() || messages.Count == 0) return null;
        var activity = Source.StartActivity("publish", ActivityKind.Producer);
        activity?.SetTag("messaging.system", "ccomet").SetTag("messaging.operation.type", "send").SetTag("messaging.destination.name", messages[0].Channel).SetTag("messaging.batch.message_count", messages.Count);
        return activity;
    }

    /// <summary>Begins the activity of a subscription.</summary>
    /// <param name="channel">The first channel.</param>
    /// <param name="channels">How many channels there are.</param>
    /// <param name="transport">The transport.</param>
    public static Activity? Subscribe(string channel, int channels, Transport transport)
    {
        if (!Source.HasListeners()) return null;
        var activity = Source.StartActivity("subscribe");
        activity?.SetTag("messaging.system", "ccomet").SetTag("messaging.destination.name", channel).SetTag("ccomet.channels", channels).SetTag("ccomet.transport", HubMetrics.NameOf(transport));
        return activity;
    }

    /// <summary>Notes that it failed, and with what kind of error.</summary>
    public static void Fail(this Activity? activity, Exception failure) => activity?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", failure.GetType().Name);
}
