using CComet.Messages;

namespace CComet.Subscriptions;

/// <summary>Where a subscriber that has read everything is given what comes next, without being woken for it.</summary>
internal interface IMessageSink
{
    /// <summary>Writes a batch of one of the subscriber's channels, and sends it on its way. Called while the subscriber waits, by one caller at a time.</summary>
    /// <returns>False when the client must take something first: the subscriber is woken, and goes on by itself once it has.</returns>
    bool TryWrite(int channelIndex, Batch batch);
}
