using System.Text;

namespace CComet.Access;

/// <summary>What a ticket says: one right on some channels, of a grant, that opens for a moment. Sealed by an <see cref="ITicketSealer"/>.</summary>
/// <param name="Grant">The grant that it is of; it outlives the moment, and ends what the ticket has opened.</param>
/// <param name="Right">The one right.</param>
/// <param name="Channels">The channels, by their exact names.</param>
/// <param name="OpensUntil">Until when it opens, in Unix milliseconds.</param>
/// <param name="Seconds">How long it was asked to open; those that follow it open as long.</param>
internal sealed record Ticket(TicketGrant Grant, ChannelRight Right, IReadOnlyList<string> Channels, long OpensUntil, byte Seconds)
{
    /// <summary>How long a ticket may open.</summary>
    public const int MaxSeconds = 60;

    private const byte Version = 1;

    /// <summary>Encodes it.</summary>
    public byte[] Encode()
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes, Encoding.UTF8);
        writer.Write(Version);
        writer.Write((byte)Right);
        writer.Write(Seconds);
        writer.Write(OpensUntil);
        writer.Write(Grant.ExpiresAt);
        writer.Write(Grant.IssuedAt);
        writer.Write(Grant.Id);
        writer.Write(Grant.User is not null);
        if (Grant.User is not null) writer.Write(Grant.User);
        writer.Write((byte)Channels.Count);
        foreach (var channel in Channels) writer.Write(channel);
        writer.Flush();
        return bytes.ToArray();
    }

    /// <summary>Decodes one that was sealed; null when it is of another version.</summary>
    public static Ticket? Decode(byte[] bytes)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        if (reader.ReadByte() != Version) return null;
        var (right, seconds, opensUntil) = ((ChannelRight)reader.ReadByte(), reader.ReadByte(), reader.ReadInt64());
        var (expiresAt, issuedAt, id) = (reader.ReadInt64(), reader.ReadUInt32(), reader.ReadUInt64());
        var user = reader.ReadBoolean() ? reader.ReadString() : null;
        var channels = new string[reader.ReadByte()];
        for (var i = 0; i < channels.Length; i++) channels[i] = reader.ReadString();
        return new Ticket(new TicketGrant(user, expiresAt, issuedAt, id), right, channels, opensUntil, seconds);
    }
}

/// <summary>What a ticket keeps of the grant that it is of.</summary>
/// <param name="User">The user.</param>
/// <param name="ExpiresAt">When the grant expires, in Unix milliseconds.</param>
/// <param name="IssuedAt">When its token was issued, in Unix seconds.</param>
/// <param name="Id">The hash of its token's id.</param>
internal readonly record struct TicketGrant(string? User, long ExpiresAt, uint IssuedAt, ulong Id);
