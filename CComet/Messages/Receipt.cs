using System.Text.Json.Serialization;

namespace CComet.Messages;

/// <summary>What a publisher gets for a stored message.</summary>
/// <param name="Channel">The channel.</param>
/// <param name="Epoch">The epoch the seqid belongs to.</param>
/// <param name="Seqid">The message's number, from 0; for a duplicate that of the message stored before.</param>
/// <param name="Stored">The message as it was stored; null for a duplicate: the same id had been stored before, and nothing was stored now.</param>
public readonly record struct Receipt(string Channel, string Epoch, long Seqid, [property: JsonIgnore] Message? Stored)
{
    /// <summary>True when nothing was stored, because the same id had been stored before.</summary>
    public bool Duplicate => Stored is null;
}
