using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace JwtChat;

/// <summary>Makes the tokens (JWT, HS256) by which the push server knows a user, and what the user may do.</summary>
/// <remarks>
/// By hand, without Microsoft.IdentityModel: a few lines show all that a token is, and are the same in any language. What is easy
/// to get wrong is the other half, verifying, which only the server does.
/// </remarks>
internal sealed class TokenIssuer
{
    /// <summary>The <c>sub</c> of the application itself. No user can have it: their names have no colon.</summary>
    private const string Application = "app:jwtchat";

    private static readonly string Header = Encode(new { alg = "HS256", typ = "JWT" });

    private readonly PushSettings _push;
    private readonly TimeProvider _time;
    private readonly byte[] _key;

    /// <summary>Reads the key.</summary>
    /// <exception cref="InvalidOperationException">There is none, or it is too short.</exception>
    public TokenIssuer(PushSettings push, TimeProvider time)
    {
        (_push, _time, _key) = (push, time, Convert.FromBase64String(push.Key));
        if (_key.Length < 32) throw new InvalidOperationException("Push:Key must be the server's key, 32 bytes or more in base64: openssl rand -base64 32 makes one.");
    }

    /// <summary>Makes a token for a user's page: it chats in the rooms, reads the news and the user's inbox, and writes the news for a moderator.</summary>
    public string CreateForUser(string user, bool isModerator) => Create(user, new()
    {
        ["ccomet:subscribe"] = ["room.*", "news", "inbox.{sub}"],
        ["ccomet:publish"] = isModerator ? ["room.*", "news"] : ["room.*"],
    });

    /// <summary>Makes a token for this application, which writes to the inboxes, in the name of the user who asked it to.</summary>
    public string CreateForApplication() => Create(Application, new() { ["ccomet:publish"] = ["inbox.*"], ["ccomet:sname"] = ["*"] });

    private string Create(string subject, Dictionary<string, string[]> rights)
    {
        var now = _time.GetUtcNow();
        var claims = new Dictionary<string, object>
        {
            ["iss"] = _push.Issuer,
            ["aud"] = _push.Audience,
            ["sub"] = subject,
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = (now + _push.TokenLife).ToUnixTimeSeconds(),

            // By its id, one token can be revoked without the user's others.
            ["jti"] = Guid.NewGuid(),
        };
        foreach (var (right, channels) in rights) claims[right] = channels;
        var content = $"{Header}.{Encode(claims)}";
        return $"{content}.{Base64Url.EncodeToString(HMACSHA256.HashData(_key, Encoding.ASCII.GetBytes(content)))}";
    }

    private static string Encode<T>(T part) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(part));
}
