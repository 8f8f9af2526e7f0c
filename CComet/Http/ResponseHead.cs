using CComet.Dialects.Native;
using Microsoft.AspNetCore.Http;

namespace CComet.Http;

/// <summary>The head of an answer as plain values; <see cref="ResponseWriter"/> writes it.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="ContentType">The content type; null for an answer without a body.</param>
internal readonly record struct ResponseHead(int Status, string? ContentType)
{
    /// <summary>A page that is cross-origin isolated loads a script only with this.</summary>
    public const string ScriptHeader = "Cross-Origin-Resource-Policy";

    /// <summary>The value of <see cref="ScriptHeader"/>.</summary>
    public const string ScriptValue = "cross-origin";

    /// <summary>Of an array that answers a request.</summary>
    public static readonly ResponseHead Array = new(200, JsonArray.ContentType);

    /// <summary>Of an object that answers a request.</summary>
    public static readonly ResponseHead Object = new(200, "application/json; charset=utf-8");

    /// <summary>Of an answer without a body.</summary>
    public static readonly ResponseHead Nothing = new(StatusCodes.Status204NoContent, null);

    /// <summary>The cursor behind the answer, or null.</summary>
    public string? Cursor { get; init; }

    /// <summary>After which time to poll again, of a server that stops; null otherwise.</summary>
    public TimeSpan? Retry { get; init; }

    /// <summary>When to try again after a refusal, or null.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The header <c>WWW-Authenticate</c> of a refusal, or null.</summary>
    public string? Challenge { get; init; }

    /// <summary>Whether it is a script, which pages of any origin may load.</summary>
    public bool IsScript { get; init; }
}
