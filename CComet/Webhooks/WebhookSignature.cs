using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace CComet.Webhooks;

/// <summary>Signs what is posted, as Standard Webhooks has it: <c>v1,</c> and the HMAC-SHA256 of id, time and body in base64.</summary>
internal static class WebhookSignature
{
    /// <summary>The shortest key, in bytes.</summary>
    public const int MinKeyBytes = 24;

    /// <summary>The longest key, in bytes.</summary>
    public const int MaxKeyBytes = 64;

    private const string SecretPrefix = "whsec_";
    private const string Version = "v1,";

    /// <summary>Returns the key of a secret as it is configured; null when it is none.</summary>
    public static byte[]? ReadKey(string secret)
    {
        if (!secret.StartsWith(SecretPrefix, StringComparison.Ordinal)) return null;
        Span<byte> key = stackalloc byte[MaxKeyBytes];
        return Convert.TryFromBase64String(secret[SecretPrefix.Length..], key, out var length) && length >= MinKeyBytes ? key[..length].ToArray() : null;
    }

    /// <summary>Returns the signatures by each of the keys, as the header has them.</summary>
    /// <param name="keys">The keys.</param>
    /// <param name="id">The id of what is posted.</param>
    /// <param name="time">When it is posted, in seconds since 1970-01-01 UTC.</param>
    /// <param name="body">What is posted.</param>
    public static string Sign(IEnumerable<byte[]> keys, string id, long time, ReadOnlySpan<byte> body)
    {
        byte[] signed = [.. Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{time}.")), .. body];
        return string.Join(' ', keys.Select(key => Version + Convert.ToBase64String(HMACSHA256.HashData(key, signed))));
    }
}
