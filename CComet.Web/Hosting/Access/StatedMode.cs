using CComet.Access;
using CComet.Web.Hosting.Icomet;

namespace CComet.Web.Hosting.Access;

/// <summary>Refuses the start of a server that would be open to others without its operator having said so.</summary>
internal static class StatedMode
{
    private const string Mode = "CComet:Auth:Mode";

    /// <summary>
    /// Refuses a server outside Development that listens on more than loopback while <c>CComet:Auth:Mode</c> is not stated; and one
    /// in mode Token whose address for icomet's subscribers asks for nothing.
    /// </summary>
    /// <exception cref="StartException">It is one of these.</exception>
    public static void RequireStatedMode(this WebApplicationBuilder builder) => Require(builder.Configuration, builder.Environment.IsDevelopment());

    /// <summary>Checks a configuration whose settings have been read, and so hold.</summary>
    /// <exception cref="StartException">The mode is to be stated, or is contradicted.</exception>
    internal static void Require(IConfiguration configuration, bool isDevelopment)
    {
        var mode = configuration[Mode];
        if (!isDevelopment && string.IsNullOrEmpty(mode) && ListenAddresses.All(configuration).FirstOrDefault(address => !ListenAddresses.IsLoopback(address)) is { } open)
        {
            throw new StartException(
                $"{Mode} is not stated, and {open} is reached from other machines: write {Mode}={AuthMode.Token}, so that callers need a token, or {Mode}={AuthMode.Open}, so that all who reach the server may publish and subscribe (as a variable: {Mode.Replace(":", "__", StringComparison.Ordinal)}={AuthMode.Open}).");
        }

        if (Is(mode, AuthMode.Token) && !string.IsNullOrEmpty(configuration[IcometAddresses.Front]) && !Is(configuration[IcometAddresses.Auth], IcometAuth.Token))
        {
            throw new StartException(
                $"{Mode}={AuthMode.Token} allows nothing without a right, but {IcometAddresses.Front} lets all its clients subscribe: write {IcometAddresses.Auth}={IcometAuth.Token}, so that they need the token that /sign gives, or leave {IcometAddresses.Front} out.");
        }
    }

    private static bool Is<T>(string? text, T value)
        where T : struct, Enum => string.Equals(text, value.ToString(), StringComparison.OrdinalIgnoreCase);
}
