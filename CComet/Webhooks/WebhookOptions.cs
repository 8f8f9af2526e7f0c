using System.ComponentModel;
using CComet.Access;
using CComet.Storage;
using Microsoft.Extensions.Options;

namespace CComet.Webhooks;

/// <summary>What a webhook is told of.</summary>
public enum WebhookEvent
{
    /// <summary>A message was published.</summary>
    Message,

    /// <summary>A user has come into a channel with presence.</summary>
    Join,

    /// <summary>A user has left it.</summary>
    Leave,

    /// <summary>A channel has got its first subscriber on any node.</summary>
    Occupied,

    /// <summary>A channel has lost its last subscriber on any node, for as long as <see cref="Presence.PresenceOptions.LeaveAfter"/>.</summary>
    Vacated,
}

/// <summary>An address of the application to which events of channels are posted, in order and at least once.</summary>
public sealed record WebhookOptions
{
    /// <summary>The name by which the store keeps how far it has come: 1 to 64 ASCII letters, digits, <c>-</c>, <c>_</c> or <c>.</c>. Another name begins anew.</summary>
    [Description("the name by which the store keeps how far it has come; another name begins anew")]
    public string Name { get; set; } = "";

    /// <summary>Where to: an absolute address that begins with <c>https://</c> or <c>http://</c>. A user and a password in it are sent as HTTP's Basic authentication.</summary>
    [Description("where events are posted: an address that begins with https:// or http://")]
    public string Url { get; set; } = "";

    /// <summary>The channels: patterns as those of rights, without <c>{sub}</c>.</summary>
    [Description("the channels: names, or prefixes that end in *")]
    public IReadOnlyList<string> Channels { get; set; } = [];

    /// <summary>The events; without a list, <see cref="WebhookEvent.Message"/> alone.</summary>
    [Description("Message, Join, Leave, Occupied, Vacated; without a list, Message alone")]
    public IReadOnlyList<WebhookEvent> Events { get; set; } = [];

    /// <summary>
    /// The keys that sign what is posted: <c>whsec_</c> and 24 to 64 bytes in base64, as Standard Webhooks has them. With several, such as
    /// while one is replaced, each signs.
    /// </summary>
    [Description("the keys that sign: whsec_ and 24 to 64 bytes in base64; several while one is replaced")]
    public IReadOnlyList<string> Secret { get; set; } = [];

    /// <summary>Addresses and networks (<c>10.0.0.0/8</c>) that are not public and may be posted to all the same. In Development all may.</summary>
    [Description("private addresses or networks (10.0.0.0/8) that may be posted to outside Development")]
    public IReadOnlyList<string> Networks { get; set; } = [];

    /// <summary>The events, with the one that is meant where none is given.</summary>
    internal IReadOnlyList<WebhookEvent> WantedEvents => Events.Count > 0 ? Events : [WebhookEvent.Message];
}

/// <summary>Checks at the start what attributes cannot say of <see cref="WebhookOptions"/>.</summary>
internal sealed class WebhookOptionsValidator : IValidateOptions<HubOptions>
{
    private const string Key = "CComet:Hooks";

    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, HubOptions options)
    {
        var failures = options.Hooks.SelectMany((hook, index) => FindProblems(hook, $"{Key}:{index}", options)).ToList();
        foreach (var twice in options.Hooks.GroupBy(hook => hook.Name, StringComparer.Ordinal).Where(same => same.Key.Length > 0 && same.Count() > 1))
            failures.Add($"{Key}: '{twice.Key}' is the name of {twice.Count()} hooks; each needs its own.");
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private static IEnumerable<string> FindProblems(WebhookOptions hook, string key, HubOptions options)
    {
        if (!CursorBounds.IsReader(hook.Name))
            yield return $"{key}:Name: {(hook.Name.Length == 0 ? "is missing, and" : $"'{hook.Name}'")} must be 1 to {CursorBounds.NameLength} letters, digits, '-', '_' or '.'.";
        if (!HttpAddress.TryParse(hook.Url, out _)) yield return $"{key}:Url: must be an absolute address that begins with https:// or http://, such as https://app.example/hook.";
        if (hook.Channels.Count == 0) yield return $"{key}:Channels: is missing; name one or more patterns of channels, such as room.*, or * for all.";
        foreach (var pattern in hook.Channels)
        {
            if (ChannelPatterns.FindProblemWithoutCaller(pattern) is { } problem) yield return $"{key}:Channels: {problem}";
        }

        if (options.Presence.Channels.Count == 0 && hook.WantedEvents.FirstOrDefault(wanted => wanted is WebhookEvent.Join or WebhookEvent.Leave) is var user and not WebhookEvent.Message)
            yield return $"{key}:Events: {user} is told of channels with presence, and CComet:Presence:Channels is empty.";
        if (hook.Secret.Count == 0) yield return $"{key}:Secret: is missing; make one by: echo whsec_$(openssl rand -base64 32).";
        if (hook.Secret.Any(secret => WebhookSignature.ReadKey(secret) is null))
            yield return $"{key}:Secret: must be whsec_ and {WebhookSignature.MinKeyBytes} to {WebhookSignature.MaxKeyBytes} bytes in base64; make one by: echo whsec_$(openssl rand -base64 32).";
    }
}
