using CComet.Access;
using CComet.Messages;
using CComet.Presence;
using CComet.Storage;

namespace CComet.Operations;

/// <summary>Tells who is in a channel.</summary>
internal sealed class PresenceOperations(ChannelOperations channels, PresenceTracker tracker, IMessageStore store)
{
    /// <summary>Reads the users of a channel, of all nodes, and the log from whose end on the changes come.</summary>
    /// <param name="caller">The caller.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="withUsers">Whether the users are wanted, and not their number alone.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="AccessDeniedException">The caller may not see who is there.</exception>
    /// <exception cref="RefusedException">The channel has no presence.</exception>
    /// <exception cref="StoreUnavailableException">It cannot be read now.</exception>
    public async ValueTask<MemberList> ReadAsync(CallerContext caller, string channel, bool withUsers, CancellationToken cancellation)
    {
        // First, as it says nothing of the channel but of the settings.
        if (!tracker.Covers(channel)) throw new RefusedException("channel", $"channel: who is in '{channel}' is not kept; CComet:Presence:Channels says of which channels it is.");
        await channels.AuthorizeAsync(caller, ChannelRight.Presence, channel, cancellation);
        return await ((IPresenceStore)store).ReadMembersAsync(Names.PresencePrefix + channel, withUsers, cancellation);
    }
}
