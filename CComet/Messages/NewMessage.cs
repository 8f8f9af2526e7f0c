namespace CComet.Messages;

/// <summary>A message to be appended; the store gives it its seqid and its time.</summary>
/// <remarks>Its parts are checked before a store gets it; the constructor checks nothing.</remarks>
/// <param name="Channel">The channel: 1 to 200 Unicode characters, none of them a control.</param>
/// <param name="Type">What kind of entry it is.</param>
/// <param name="Sname">The publisher's name, of the same form as a channel's, or null when it has none.</param>
/// <param name="Body">
/// The value of <c>msg</c>: one JSON value in UTF-8, without white space between its tokens; bounded by <see cref="LimitOptions.MessageBytes"/>.
/// </param>
/// <param name="Id">The idempotency id, of the same form as a channel's name, or null. Not part of the record.</param>
public sealed record NewMessage(string Channel, MessageType Type, string? Sname, ReadOnlyMemory<byte> Body, string? Id = null)
{
    private static readonly byte[] SignBody = "\"SIGN\""u8.ToArray();

    /// <summary>Makes the entry of a sign-in. Its body is the word SIGN, because the client of 2014 reads a text from every message.</summary>
    internal static NewMessage Sign(string channel, string? sname) => new(channel, MessageType.Sign, sname, SignBody);
}
