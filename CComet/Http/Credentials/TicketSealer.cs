using System.Security.Cryptography;
using CComet.Access;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.WebUtilities;

namespace CComet.Http.Credentials;

/// <summary>Seals tickets by ASP.NET Data Protection, with the keys of the host.</summary>
internal sealed class TicketSealer(IDataProtectionProvider? provider = null) : ITicketSealer
{
    private const string Unavailable = "Tickets cannot be sealed or opened now: their keys cannot be reached.";

    /// <summary>A ticket of as many channels as may be, with names as long as may be, is shorter, in characters.</summary>
    private const int MaxLength = 64 << 10;

    private readonly IDataProtector? _protector = provider?.CreateProtector("CComet.Ticket");

    /// <inheritdoc/>
    public string Seal(Ticket ticket)
    {
        try
        {
            return WebEncoders.Base64UrlEncode(Protector.Protect(ticket.Encode()));
        }
        catch (Exception e) when (e is not AccessUnavailableException)
        {
            throw new AccessUnavailableException(Unavailable, e);
        }
    }

    /// <inheritdoc/>
    public Ticket? Open(string text)
    {
        if (text.Length > MaxLength) return null;
        byte[] bytes;
        try
        {
            bytes = WebEncoders.Base64UrlDecode(text);
        }
        catch (FormatException)
        {
            return null;
        }

        try
        {
            return Ticket.Decode(Protector.Unprotect(bytes));
        }
        catch (CryptographicException)
        {
            return null;
        }
        catch (Exception e) when (e is not AccessUnavailableException)
        {
            throw new AccessUnavailableException(Unavailable, e);
        }
    }

    private IDataProtector Protector => _protector ?? throw new AccessUnavailableException("This server gives no tickets: the application has not called AddDataProtection().");
}
