using System.Buffers;
using System.Text;
using CComet.Http.Credentials;

namespace CComet.Kestrel.Parking;

/// <summary>Finds the token in a header, where it stands in a plain form.</summary>
internal static class ParkableCredential
{
    private static readonly SearchValues<byte> OfTokens = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."u8);

    /// <summary>What a cookie consists of, that the web server can read in one way only: no quotes, commas or blanks within it.</summary>
    private static readonly SearchValues<byte> OfCookies = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!#$%&'*+^`|~/:=@"u8);

    private static ReadOnlySpan<byte> Name => "__Host-ccomet"u8;

    /// <summary>Finds the token of an Authorization header; false for another scheme.</summary>
    /// <param name="value">The header's value.</param>
    /// <param name="token">Where in it the token is.</param>
    public static bool TryReadBearer(ReadOnlySpan<byte> value, out Range token)
    {
        token = default;
        if (value.Length < 8 || !Ascii.EqualsIgnoreCase(value[..7], "Bearer ")) return false;
        token = (value.Length - value[7..].TrimStart((byte)' ').Length)..value.Length;
        return true;
    }

    /// <summary>Finds the token of <see cref="Carriers.CookieName"/> in a Cookie header.</summary>
    /// <param name="value">The header's value.</param>
    /// <param name="token">Where in it the token is; empty when it has none.</param>
    /// <returns>False when it may have one that is not read here.</returns>
    public static bool TryReadCookie(ReadOnlySpan<byte> value, out Range token)
    {
        token = default;
        if (!MayHaveName(value)) return true;
        foreach (var range in value.Split("; "u8))
        {
            var pair = value[range];
            var equals = pair.IndexOf((byte)'=');
            if (equals <= 0 || pair.ContainsAnyExcept(OfCookies)) return false;
            if (!MayHaveName(pair)) continue;
            var text = pair[(equals + 1)..];

            // One that is in the name of another cookie, or in its value, is odd enough.
            if (!pair[..equals].SequenceEqual(Name) || !token.Equals(default) || text.IsEmpty || text.ContainsAnyExcept(OfTokens)) return false;
            var end = range.GetOffsetAndLength(value.Length);
            token = (end.Offset + equals + 1)..(end.Offset + end.Length);
        }

        return true;
    }

    /// <summary>Whether the cookie's name is in a text, in any case, as the web server finds it in any case.</summary>
    private static bool MayHaveName(ReadOnlySpan<byte> text)
    {
        for (var at = 0; at + Name.Length <= text.Length; at++)
        {
            if (Ascii.EqualsIgnoreCase(text.Slice(at, Name.Length), Name)) return true;
        }

        return false;
    }
}
