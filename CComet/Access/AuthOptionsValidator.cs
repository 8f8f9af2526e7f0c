using Microsoft.Extensions.Options;

namespace CComet.Access;

/// <summary>Checks at the start what attributes cannot say of <see cref="AuthOptions"/>: rules, and the address of the hook.</summary>
internal sealed class AuthOptionsValidator : IValidateOptions<HubOptions>
{
    private const string Rules = "CComet:Auth:Rules";

    private static readonly string Verbs = string.Join(", ", Enum.GetValues<ChannelRight>().Select(GrantFactory.NameOf));

    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, HubOptions options)
    {
        var failures = options.Auth.Rules.SelectMany(FindProblems).ToList();
        if (options.Auth.Hook.Url.Length > 0 && !HttpAddress.TryParse(options.Auth.Hook.Url, out _))
            failures.Add("CComet:Auth:Hook:Url: must be an absolute address that begins with http:// or https://, such as http://127.0.0.1:3000/may.");
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private static IEnumerable<string> FindProblems(AuthRule rule, int index)
    {
        var key = $"{Rules}:{index}";
        if (rule.Who is not (AuthRule.Anonymous or AuthRule.User))
            yield return $"{key}:Who: {(rule.Who.Length == 0 ? "is missing, and" : $"'{rule.Who}'")} must be {AuthRule.Anonymous} or {AuthRule.User}.";
        if (rule.Verbs.Count == 0) yield return $"{key}:Verbs: is missing; name one or more of {Verbs}.";
        foreach (var verb in rule.Verbs)
            if (GrantFactory.ParseRight(verb) is null) yield return $"{key}:Verbs: '{verb}' is none of {Verbs}.";
        if (rule.Channels.Count == 0) yield return $"{key}:Channels: is missing; name one or more patterns of channels, such as room.*, or * for all.";
        foreach (var pattern in rule.Channels)
        {
            if (ChannelPatterns.FindProblem(pattern) is { } problem) yield return $"{key}:Channels: {problem}.";
            else if (rule.Who == AuthRule.Anonymous && pattern.Contains(ChannelPatterns.OwnName, StringComparison.Ordinal))
                yield return $"{key}:Channels: '{pattern}' has {ChannelPatterns.OwnName}, but a caller that is {AuthRule.Anonymous} has no name; such a rule is one of {AuthRule.User}.";
        }
    }
}
