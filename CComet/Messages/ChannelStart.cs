namespace CComet.Messages;

/// <summary>A channel that a subscriber asks for, and the cursor to begin at.</summary>
internal readonly record struct ChannelStart(string Channel, Cursor From);
