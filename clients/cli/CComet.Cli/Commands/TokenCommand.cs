using System.Buffers.Text;
using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace CComet.Cli.Commands;

/// <summary><c>token</c>: signs a token for development, by a key that the server takes.</summary>
internal static class TokenCommand
{
    private const string KeyVariable = "CCOMET_KEY";
    private const string Header = """{"alg":"HS256","typ":"JWT"}""";

    /// <summary>What HS256 needs, in bytes.</summary>
    private const int MinKey = 32;

    private static readonly string[] Verbs = ["subscribe", "publish", "presence", "admin", "sname"];

    public static Command Build(CliConsole console)
    {
        var key = new Option<string?>("--key") { Description = $"The key in base64, {MinKey} bytes or more, as in Authentication:Schemes:Bearer:SigningKeys; else {KeyVariable}, which no list of processes shows", HelpName = "base64" };
        var sub = new Option<string?>("--sub") { Description = "The user's name" };
        var ttl = Durations.Option("--ttl", "How long the token holds", "1h");
        var issuer = new Option<string>("--issuer") { Description = "By whom it is", DefaultValueFactory = _ => "ccomet-dev" };
        var audience = new Option<string>("--audience") { Description = "For whom it is", DefaultValueFactory = _ => "ccomet" };
        var rights = Verbs.Select(verb => (Verb: verb, Option: new Option<string[]>($"--{verb}") { Description = $"A pattern for the claim ccomet:{verb}: an exact name, or a prefix that ends in *; may repeat", HelpName = "pattern" })).ToArray();
        var command = new Command("token", "Prints a token (JWT, HS256) for development. The server's own `token` command finds or makes the key.") { key, sub, ttl, issuer, audience };
        foreach (var (_, option) in rights) command.Add(option);
        command.SetAction(given =>
        {
            var now = TimeProvider.System.GetUtcNow();
            var claims = new JsonObject();
            if (given.GetValue(sub) is { } user) claims["sub"] = user;
            foreach (var (verb, option) in rights)
            {
                if (given.GetValue(option) is { Length: > 0 } patterns) claims[$"ccomet:{verb}"] = new JsonArray([.. patterns.Select(pattern => JsonValue.Create(pattern))]);
            }

            claims["iss"] = given.GetValue(issuer);
            claims["aud"] = given.GetValue(audience);
            claims["iat"] = now.ToUnixTimeSeconds();
            claims["exp"] = (now + given.GetValue(ttl)!.Value).ToUnixTimeSeconds();
            claims["jti"] = Guid.NewGuid().ToString("N");
            var signed = $"{Encode(Header)}.{Encode(claims.ToJsonString())}";
            console.Line($"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(ReadKey(given.GetValue(key) ?? console.Environment(KeyVariable)), Encoding.ASCII.GetBytes(signed)))}");
            return ExitCodes.Done;
        });
        return command;
    }

    private static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));

    private static byte[] ReadKey(string? text)
    {
        if (string.IsNullOrEmpty(text)) throw new CliException($"--key is missing; give it, or set {KeyVariable}.", ExitCodes.Usage);
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length) && length >= MinKey ? bytes[..length] : throw new CliException($"--key: is no key of {MinKey} bytes or more in base64.", ExitCodes.Usage);
    }
}
