using System.Text;
using CComet.Dialects.Native;
using Microsoft.AspNetCore.Http;

namespace CComet.Http.Credentials;

/// <summary>The header <c>WWW-Authenticate</c> of a refusal (RFC 6750, section 3).</summary>
internal static class BearerChallenge
{
    private const string Realm = "Bearer realm=\"ccomet\"";

    /// <summary>Returns it; null for a refusal that no credential changes.</summary>
    public static string? Create(WireException error)
    {
        if (error.IsTokenRefused) return $"{Realm}, error=\"invalid_token\", error_description=\"{Quotable(error.Message)}\"";
        if (error.Status == StatusCodes.Status401Unauthorized) return error.Scope is null ? Realm : $"{Realm}, scope=\"{error.Scope}\"";
        return error is { Status: StatusCodes.Status403Forbidden, Scope: not null } ? $"{Realm}, error=\"insufficient_scope\", scope=\"{error.Scope}\"" : null;
    }

    /// <summary>Only the characters that RFC 6750 allows.</summary>
    private static string Quotable(string text)
    {
        var quotable = new StringBuilder(text.Length);
        foreach (var c in text) quotable.Append(c is >= ' ' and <= '~' and not ('"' or '\\') ? c : '\'');
        return quotable.ToString();
    }
}
