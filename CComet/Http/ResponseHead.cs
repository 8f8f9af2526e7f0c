using CComet.Dialects.Native;

namespace CComet.Http;

/// <summary>The head of an answer as plain values; <see cref="ResponseWriter"/> writes it.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="ContentType">The content type.</param>
internal readonly record struct ResponseHead(int Status, string ContentType)
{
    /// <summary>Of an array that answers a request.</summary>
    public static readonly ResponseHead Array = new(200, JsonArray.ContentType);

    /// <summary>Of an object that answers a request.</summary>
    public static readonly ResponseHead Object = new(200, "application/json; charset=utf-8");

    /// <summary>The cursor behind the answer, or null.</summary>
    public string? Cursor { get; init; }

    /// <summary>After which time to poll again, of a server that stops; null otherwise.</summary>
    public TimeSpan? Retry { get; init; }

    /// <summary>When to try again after a refusal, or null.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
