using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using CComet.Access;

namespace CComet.Web.Hosting.Commands;

/// <summary>Writes a token: a JWT, signed by HS256.</summary>
internal static class DevelopmentToken
{
    private const string Header = """{"alg":"HS256","typ":"JWT"}""";

    /// <summary>Makes a token.</summary>
    /// <param name="key">The key, and the issuer and audience that go with it.</param>
    /// <param name="user">The user's name, or null.</param>
    /// <param name="patterns">Its rights.</param>
    /// <param name="now">When it is issued.</param>
    /// <param name="life">How long it holds.</param>
    public static string Create(DevelopmentKey key, string? user, IReadOnlyList<(ChannelRight Right, string Pattern)> patterns, DateTimeOffset now, TimeSpan life)
    {
        var claims = new JsonObject();
        if (user is not null) claims["sub"] = user;
        foreach (var right in patterns.GroupBy(p => p.Right, p => p.Pattern))
            claims[GrantFactory.ClaimPrefix + GrantFactory.NameOf(right.Key)] = new JsonArray([.. right.Select(pattern => JsonValue.Create(pattern))]);
        claims["iss"] = key.Issuer;
        claims["aud"] = key.Audience;
        claims["iat"] = now.ToUnixTimeSeconds();
        claims["exp"] = (now + life).ToUnixTimeSeconds();
        claims["jti"] = Guid.NewGuid().ToString("N");
        var signed = $"{Encode(Header)}.{Encode(claims.ToJsonString())}";
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(key.Bytes, Encoding.ASCII.GetBytes(signed)))}";
    }

    private static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
