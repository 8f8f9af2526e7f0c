namespace CComet.Access;

/// <summary>The answer of an authorizer.</summary>
public readonly record struct AccessDecision
{
    /// <summary>The caller may.</summary>
    public static readonly AccessDecision Allowed = new() { IsAllowed = true };

    /// <summary>Whether the caller may.</summary>
    public bool IsAllowed { get; private init; }

    /// <summary>Why not, as the client is told; null for no more than that.</summary>
    public string? Reason { get; private init; }

    /// <summary>Makes a refusal.</summary>
    /// <param name="reason">Why, as the client is told; null for no more than that the right is missing.</param>
    public static AccessDecision Denied(string? reason = null) => new() { Reason = reason };
}
