using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Docs;

/// <summary>The server in the mode Token that docs/protocol.md and docs/security.md tell of.</summary>
internal static class TokenServer
{
    private const string Issuer = "https://shop.example";

    private static readonly byte[] KeyBytes = SHA256.HashData(Encoding.UTF8.GetBytes("the key of the documents"));

    /// <summary>Its key, in base64, which the programs of the documents read from <c>CCOMET_SIGNING_KEY</c>.</summary>
    public static string Key { get; } = Convert.ToBase64String(KeyBytes);

    public static Task<LiveServer> StartAsync() => LiveServer.StartAsync(
        "CComet:Auth:Mode=Token",
        "CComet:Cors:Origins:0=https://shop.example",
        "Authentication:Schemes:Bearer:ValidAudiences:0=ccomet",
        $"Authentication:Schemes:Bearer:ValidIssuers:0={Issuer}",
        $"Authentication:Schemes:Bearer:SigningKeys:0:Issuer={Issuer}",
        $"Authentication:Schemes:Bearer:SigningKeys:0:Value={Key}");

    /// <summary>Makes what the documents call <c>$TOKEN</c>.</summary>
    public static string CreateToken() => new TestToken(DateTimeOffset.UtcNow)
        .With("iss", Issuer)
        .With("ccomet:subscribe", new JsonArray("room.*"))
        .With("ccomet:publish", new JsonArray("room.*"))
        .With("ccomet:admin", "*")
        .Sign(KeyBytes);
}
