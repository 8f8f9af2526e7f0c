using System.Net.Http.Headers;
using System.Text;

namespace CComet.Web.Hosting;

/// <summary>Takes the user and the password out of an address, as HTTP's Basic authentication.</summary>
internal static class UrlCredentials
{
    /// <summary>Returns the address without them, and the header; null for an address that has none.</summary>
    public static (Uri Address, AuthenticationHeaderValue? Credentials) Split(string url)
    {
        var address = new UriBuilder(url);
        if (address.UserName.Length == 0 && address.Password.Length == 0) return (address.Uri, null);
        var pair = $"{Uri.UnescapeDataString(address.UserName)}:{Uri.UnescapeDataString(address.Password)}";
        address.UserName = address.Password = "";
        return (address.Uri, new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(pair))));
    }
}
