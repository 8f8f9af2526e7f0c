namespace CComet.Client;

/// <summary>How to publish.</summary>
public class PublishOptions
{
    /// <summary>Gets or sets the id of the message, 1 to 200 characters; null (the default) makes a random one.</summary>
    /// <remarks>The server stores nothing for an id that it has seen on the channel within the last 5 minutes, so that a publish without an answer can be repeated.</remarks>
    public string? Id { get; set; }

    /// <summary>Gets or sets the name that the message is published by, 1 to 200 characters; null (the default) takes <see cref="CCometClientOptions.Sname"/>.</summary>
    public string? Sname { get; set; }

    /// <summary>Gets or sets how long to try, more than 0, at most 24 days; 30 s by default. After it a <see cref="CCometException"/> tells the last failure; the message may be stored or not.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);
}
