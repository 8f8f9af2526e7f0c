namespace CComet.Client;

/// <summary>How to subscribe. Read once, when the subscription is made.</summary>
public class SubscribeOptions
{
    /// <summary>Gets or sets where to begin: <see cref="CCometCursor.Start"/>, <see cref="CCometCursor.Now"/> (the default), or a saved cursor.</summary>
    /// <remarks>With <see cref="CCometCursor.Start"/>, what the server had already dropped before the first message is no gap.</remarks>
    public CCometCursor From { get; set; }

    /// <summary>Gets or sets what is called when messages are lost; null (the default) ends the iteration with a <see cref="CCometGapException"/>.</summary>
    /// <remarks>
    /// It is called in order, behind the last message before the gap was handled and before the next one is returned, and is awaited, so that an application can load its
    /// state anew. What it throws ends the iteration. It must not dispose of the subscription.
    /// </remarks>
    public Func<CCometGap, Task>? OnGap { get; set; }
}
