using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace CComet.Web.Tests.Support;

/// <summary>A JWT made by hand, so that a test can make what no library would.</summary>
/// <param name="now">The time at which it is issued; it expires an hour later.</param>
public sealed class TestToken(DateTimeOffset now)
{
    public const string Issuer = "https://issuer.example";
    public const string Audience = "ccomet";

    /// <summary>What is signed first.</summary>
    public JsonObject Header { get; } = new() { ["alg"] = "HS256", ["typ"] = "JWT" };

    /// <summary>The claims.</summary>
    public JsonObject Claims { get; } = new()
    {
        ["iss"] = Issuer,
        ["aud"] = Audience,
        ["sub"] = "ann",
        ["jti"] = "t-1",
        ["iat"] = now.ToUnixTimeSeconds(),
        ["exp"] = now.AddHours(1).ToUnixTimeSeconds(),
        ["ccomet:subscribe"] = new JsonArray("room.*", "inbox.{sub}"),
    };

    /// <summary>Sets a claim; null takes it away.</summary>
    public TestToken With(string claim, JsonNode? value) => Set(Claims, claim, value);

    /// <summary>Sets a parameter of the header; null takes it away.</summary>
    public TestToken WithHeader(string name, JsonNode? value) => Set(Header, name, value);

    /// <summary>Signs it by a key that two sides share.</summary>
    public string Sign(byte[] key) => Join(content => HMACSHA256.HashData(key, content));

    /// <summary>Signs it by RS256.</summary>
    public string Sign(RSA key)
    {
        Header["alg"] = "RS256";
        return Join(content => key.SignData(content, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    /// <summary>Signs it by ES256.</summary>
    public string Sign(ECDsa key)
    {
        Header["alg"] = "ES256";
        return Join(content => key.SignData(content, HashAlgorithmName.SHA256));
    }

    /// <summary>Puts it together, with a signature that is made of what stands before it.</summary>
    public string Join(Func<byte[], byte[]> sign)
    {
        var content = $"{Encode(Header)}.{Encode(Claims)}";
        return $"{content}.{Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(content)))}";
    }

    private static string Encode(JsonObject part) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(part.ToJsonString()));

    private TestToken Set(JsonObject part, string name, JsonNode? value)
    {
        if (value is null) part.Remove(name);
        else part[name] = value;
        return this;
    }
}
