using System.Diagnostics.CodeAnalysis;

namespace CComet;

/// <summary>Tells the addresses that can be asked over HTTP from other texts.</summary>
internal static class HttpAddress
{
    /// <summary>Reads an absolute address that begins with <c>http://</c> or <c>https://</c> and has a host.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out Uri? address) =>
        Uri.TryCreate(text, UriKind.Absolute, out address) && (address.Scheme is "http" or "https") && address.Host.Length > 0;
}
