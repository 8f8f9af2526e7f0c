using CComet.Access;
using CComet.Operations;
using CComet.Web.Tests.Hardening.Fuzz;
using CComet.Web.Tests.Support;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Xunit.Abstractions;

namespace CComet.Web.Tests.Kestrel.Parking;

/// <summary>The same where pages of all origins may call, and proxies add their headers, which are not believed.</summary>
[Collection(ParkingDifferenceTests.Beside)]
public sealed class ParkingPageDifferenceTests(ITestOutputHelper output) : ParkingDifferenceTests(output)
{
    protected override int Share => 40;

    private protected override ParkingCaller Good => new(["Origin: https://page.example"]);

    private protected override ParkingCaller NextCaller(Random random) => new([.. ParkingPages.Next(random), .. ParkingProxies.Next(random)], random.Once(8) ? "&ticket=t" : "");
}

/// <summary>The same where some hosts alone are named, and pages of some origins alone may call.</summary>
[Collection(ParkingDifferenceTests.Beside)]
public sealed class ParkingListedPageDifferenceTests(ITestOutputHelper output) : ParkingDifferenceTests(output)
{
    protected override int Share => 40;

    protected override string[] Settings =>
    [
        "CComet:Cors:Origins:0=https://page.example", "CComet:Cors:Origins:1=http://localhost:8080", "AllowedHosts=localhost;push.example;*.push.example;[::1];b\u00fccher.example",
    ];

    private protected override ParkingCaller Good => new(["Origin: https://page.example"]);

    private protected override ParkingCaller NextCaller(Random random) => new(
        ParkingPages.Next(random),
        Host: random.Once(3) ? random.Pick("push.example", "PUSH.example:80", "a.push.example", "a.b.push.example:8080", "xpush.example", ".push.example", "[::1]", "[::1]:80", "xn--bcher-kva.example", "push.example:", "push.example.") : "localhost");
}

/// <summary>The same in mode Token, with every kind of credential.</summary>
[Collection(ParkingDifferenceTests.Beside)]
public sealed class ParkingTokenDifferenceTests(ITestOutputHelper output) : ParkingDifferenceTests(output)
{
    private static readonly EphemeralDataProtectionProvider Keys = new();
    private static readonly string Token = new TestToken(DateTimeOffset.UtcNow).With("ccomet:subscribe", "*").With("ccomet:sname", "*").Sign(TokenServer.Key);
    private static readonly string[] Others =
    [
        new TestToken(DateTimeOffset.UtcNow).With("ccomet:subscribe", "hall").With("jti", "t-2").Sign(TokenServer.Key), new TestToken(DateTimeOffset.UtcNow.AddHours(-3)).Sign(TokenServer.Key),
        new TestToken(DateTimeOffset.UtcNow).Sign([.. TokenServer.Key.Reverse()]), $"{Token}x", Token[..^1], "a.b.c", "x", "",
    ];

    protected override int Share => 40;

    protected override string[] Settings => [.. TokenServer.Settings, "CComet:Cors:Origins:0=https://page.example"];

    private protected override ParkingCaller Good => new([$"Authorization: Bearer {Token}"]);

    protected override void Register(IServiceCollection services) => services.AddSingleton<IDataProtectionProvider>(Keys);

    private protected override ParkingCaller NextCaller(Random random)
    {
        if (!random.Once(4)) return Good;
        var lines = random.Once(6) ? ParkingPages.Next(random) : [];
        var query = "";
        for (var i = random.Once(10) ? 2 : random.Once(12) ? 0 : 1; i > 0; i--)
        {
            var token = random.Once(8) ? random.Pick<string>(Others) : Token;
            switch (random.Next(3))
            {
                case 0:
                    lines = [.. lines, $"{random.Pick("Authorization: Bearer ", "authorization:bearer  ", "Authorization: Bearer")} {token}"];
                    break;
                case 1:
                    var name = random.Once(8) ? random.Pick("__host-ccomet", "__Host-ccomet ", "x__Host-ccomet", "__Host-ccometx", "\"__Host-ccomet") : "__Host-ccomet";
                    lines = [.. lines, $"Cookie: {(random.Once(4) ? random.Pick("a=b; ", "a=b;", "a=b, ", ";", "a b; ", "a; ", "a=\"b; ", "c=d; e=%20; ", "__Host-ccomet=x; ") : "")}{name}={token}{(random.Once(6) ? random.Pick("; a=b", ";", " ", "; c", ";c=d", "\"") : "")}"];
                    break;
                default:
                    query += $"&ticket={(random.Once(6) ? random.Pick("", "x", token, "%65yJ", "%FF") : Ticket(random))}";
                    break;
            }
        }

        return new ParkingCaller(lines, query);
    }

    /// <summary>A ticket, which both servers open; it opens for a minute, so that it is made when it is needed.</summary>
    private string Ticket(Random random)
    {
        var access = PlainServer.Services.GetRequiredService<AccessOperations>();
        var grant = access.VerifyAsync(Token, CancellationToken.None).AsTask().Result;
        string[] channels = random.Once(6) ? ["hall"] : [.. Enumerable.Range(0, 16).SelectMany(lane => (string[])[$"lane{lane}a", $"lane{lane}b"])];
        return access.IssueAsync(new CallerContext(null) { Grant = grant }, ChannelRight.Subscribe, channels, 60, CancellationToken.None).AsTask().Result.Text;
    }
}

/// <summary>The same where the clients' connections are those of a proxy that is listed.</summary>
[Collection(ParkingDifferenceTests.Beside)]
public sealed class ParkingProxyDifferenceTests(ITestOutputHelper output) : ParkingDifferenceTests(output)
{
    protected override int Share => 40;

    protected override string[] Settings => ["CComet:Proxies:0=127.0.0.1", "CComet:Proxies:1=10.0.0.0/8", "CComet:Cors:Origins:0=https://page.example", "AllowedHosts=localhost;a;push.example"];

    private protected override ParkingCaller Good => new(["X-Forwarded-For: 203.0.113.7"]);

    private protected override ParkingCaller NextCaller(Random random) => !random.Once(4) ? Good : new([.. random.Once(2) ? ParkingPages.Next(random) : [], .. random.Once(3) ? ParkingProxies.Next(random) : ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https"]]);
}

/// <summary>What a browser says of a page.</summary>
internal static class ParkingPages
{
    private static readonly string[] Origins = ["https://page.example", "https://page.example", "http://localhost", "https://localhost", "http://localhost:8080", "https://PAGE.example", "https://page.example:443", "https://other.example", "null", "", "x", "a b", "https://page.example, x", "http://push.example"];

    private static readonly string[] Referers = ["https://page.example/chat.html?a=b", "http://localhost/chat.html", "https://other.example/", "about:blank", "x"];

    public static string[] Next(Random random)
    {
        var lines = new List<string>();
        if (!random.Once(4)) lines.Add($"Origin: {random.Pick<string>(Origins)}");
        if (random.Once(2)) lines.Add($"Sec-Fetch-Site: {random.Pick("cross-site", "same-site", "same-origin", "none", "", "x")}");
        if (random.Once(3)) lines.Add($"Referer: {random.Pick<string>(Referers)}");
        if (random.Once(20)) lines.Add(random.Pick<string>(lines.Count == 0 ? ["Origin: x"] : [.. lines]));
        return [.. lines];
    }
}

/// <summary>What proxies add.</summary>
internal static class ParkingProxies
{
    private static readonly string[] Lines =
    [
        "X-Forwarded-For: 203.0.113.7", "X-Forwarded-For: 203.0.113.7, 10.1.2.3", "X-Forwarded-For: 10.1.1.1,10.1.2.3", "X-Forwarded-For: x, 203.0.113.7", "X-Forwarded-For: 203.0.113.7, x", "X-Forwarded-For: 2001:db8::7", "X-Forwarded-For: [2001:db8::7]:80",
        "X-Forwarded-For: 203.0.113.7:80", "X-Forwarded-For: 203.0.113.07", "X-Forwarded-For: unknown", "X-Forwarded-For:", "X-Forwarded-For: \"203.0.113.7\"", "X-Forwarded-Proto: https", "X-Forwarded-Proto: http", "X-Forwarded-Proto: HTTPS", "X-Forwarded-Proto: https, http",
        "X-Forwarded-Proto: x y", "X-Forwarded-Host: localhost", "X-Forwarded-Host: push.example", "X-Forwarded-Host: evil.example", "X-Forwarded-Prefix: /x", "X-Forwarded-Port: 443", "Forwarded: for=1.2.3.4", "X-Real-IP: 1.2.3.4", "Via: 1.1 x", "X-Request-ID: 1",
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "traceparent: x", "baggage: a=1", "CF-Ray: 1", "X-Original-For: 1.2.3.4",
    ];

    public static string[] Next(Random random) => [.. Enumerable.Range(0, random.Next(4)).Select(_ => random.Pick<string>(Lines))];
}
