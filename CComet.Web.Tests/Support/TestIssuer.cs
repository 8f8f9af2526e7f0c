using System.Buffers.Text;
using System.Collections.Immutable;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace CComet.Web.Tests.Support;

/// <summary>An issuer on a free port of 127.0.0.1, which publishes the keys that a test gives it.</summary>
public sealed class TestIssuer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _fetches;

    private TestIssuer(int port)
    {
        Url = $"http://127.0.0.1:{port}";
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(Url);
        _app = builder.Build();
        _app.MapGet("/.well-known/openid-configuration", () =>
        {
            Interlocked.Increment(ref _fetches);
            return IsAway ? Results.StatusCode(404) : Results.Json(new { issuer = Url, jwks_uri = $"{Url}/jwks" });
        });
        _app.MapGet("/jwks", () => Results.Json(new { keys = Keys.Select(Describe) }));
    }

    /// <summary>Its address, which is its name too.</summary>
    public string Url { get; }

    /// <summary>The keys that it publishes, by their ids.</summary>
    public ImmutableDictionary<string, AsymmetricAlgorithm> Keys { get; set; } = ImmutableDictionary<string, AsymmetricAlgorithm>.Empty;

    /// <summary>Whether it answers nothing.</summary>
    public bool IsAway { get; set; }

    /// <summary>How often it has been asked who it is.</summary>
    public int Fetches => Volatile.Read(ref _fetches);

    public static async Task<TestIssuer> StartAsync()
    {
        var issuer = new TestIssuer(Ports.Take());
        await issuer._app.StartAsync();
        return issuer;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static Dictionary<string, string> Describe(KeyValuePair<string, AsymmetricAlgorithm> key)
    {
        var jwk = new Dictionary<string, string> { ["kid"] = key.Key, ["use"] = "sig" };
        if (key.Value is RSA rsa)
        {
            var parameters = rsa.ExportParameters(includePrivateParameters: false);
            (jwk["kty"], jwk["n"], jwk["e"]) = ("RSA", Base64Url.EncodeToString(parameters.Modulus), Base64Url.EncodeToString(parameters.Exponent));
        }
        else
        {
            var parameters = ((ECDsa)key.Value).ExportParameters(includePrivateParameters: false);
            (jwk["kty"], jwk["crv"], jwk["x"], jwk["y"]) = ("EC", "P-256", Base64Url.EncodeToString(parameters.Q.X), Base64Url.EncodeToString(parameters.Q.Y));
        }

        return jwk;
    }
}
