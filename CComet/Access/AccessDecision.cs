namespace CComet.Access;

/// <summary>The answer of an authorizer. One that was not made by a member of this type (<c>default</c>) is a refusal without a reason.</summary>
public readonly record struct AccessDecision
{
    /// <summary>Allows the caller what it asked for.</summary>
    public static readonly AccessDecision Allowed = new() { IsAllowed = true };

    /// <summary>Whether the caller may.</summary>
    public bool IsAllowed { get; private init; }

    /// <summary>Why not, as the client is told; null for no more than that.</summary>
    public string? Reason { get; private init; }

    /// <summary>Makes a refusal, which is answered with 403.</summary>
    /// <param name="reason">Why, as the client is told; null for no more than that the right is missing.</param>
    /// <returns>The refusal.</returns>
    public static AccessDecision Denied(string? reason = null) => new() { Reason = reason };
}
