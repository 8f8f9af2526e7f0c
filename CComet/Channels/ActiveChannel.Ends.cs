namespace CComet.Channels;

/// <content>What ends those that are parked.</content>
internal sealed partial class ActiveChannel
{
    /// <summary>Signals every parked reader.</summary>
    public void WakeAll(WakeReason reason)
    {
        lock (Gate)
        {
            FanOut.Wake(_waiting.TakeAll(), reason);
            FanOut.Wake(_pushed.Share(), reason);
        }
    }

    /// <summary>Ends the parked readers whose grant was revoked.</summary>
    public void EndRevoked() => EndParked(WakeReason.Revoked, 0, static (reader, channelIndex, _) => reader.IsRevokedIn(channelIndex));

    /// <summary>Ends the parked readers of a user, of those that have an object of their own.</summary>
    /// <returns>How many were not ended before.</returns>
    public int EndUser(string user) => EndParked(WakeReason.Kicked, user, static (reader, _, user) => reader.User == user && reader.Ended is null);

    private int EndParked<T>(WakeReason reason, T state, Func<IChannelReader, int, T, bool> isMeant)
    {
        lock (Gate) return End(_waiting.Share()) + End(_pushed.Share());

        int End(ReaderList.Group group)
        {
            var count = 0;
            for (var i = 0; i < group.Count; i++)
            {
                var (reader, channelIndex) = group[i];
                if (!isMeant(reader, channelIndex, state)) continue;
                reader.Signal(channelIndex, reason);
                count++;
            }

            return count;
        }
    }
}
