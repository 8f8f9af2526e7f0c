using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CComet.Web.Hosting.Commands;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Hosting.Commands;

/// <summary>The commands <c>token</c> and <c>explain</c>, by what they print and by their exit codes.</summary>
public sealed class ServerCommandsTests
{
    private const string Production = "--environment=Production";
    private const string Scheme = "--Authentication:Schemes:Bearer";

    private static readonly byte[] Key = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    /// <summary>As a server outside Development has them.</summary>
    private static readonly string[] Keyed =
    [
        Production, $"{Scheme}:SigningKeys:0:Issuer=https://issuer.example", $"{Scheme}:SigningKeys:0:Value={Convert.ToBase64String(Key)}",
        $"{Scheme}:ValidIssuers:0=https://issuer.example", $"{Scheme}:ValidAudiences:0=push",
    ];

    [Fact]
    public async Task Token_is_alone_on_standard_output_and_signed_by_the_first_key()
    {
        var (code, output, errors) = await RunAsync(["token", "--sub=ann", "--subscribe", "room.*", "--subscribe=@a", "--publish=inbox.{sub}", "--admin=*", "--ttl=10m", .. Keyed]);
        Assert.Equal((0, ""), (code, errors));
        var parts = Assert.Single(output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries)).Split('.');
        Assert.Equal("""{"alg":"HS256","typ":"JWT"}""", Encoding.UTF8.GetString(Decode(parts[0])));
        Assert.Equal(HMACSHA256.HashData(Key, Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}")), Decode(parts[2]));

        var claims = JsonDocument.Parse(Decode(parts[1])).RootElement;
        Assert.Equal("ann", claims.GetProperty("sub").GetString());
        Assert.Equal("""["room.*","@a"]""", claims.GetProperty("ccomet:subscribe").GetRawText());
        Assert.Equal("""["inbox.{sub}"]""", claims.GetProperty("ccomet:publish").GetRawText());
        Assert.Equal("""["*"]""", claims.GetProperty("ccomet:admin").GetRawText());
        Assert.Equal("https://issuer.example", claims.GetProperty("iss").GetString());
        Assert.Equal("push", claims.GetProperty("aud").GetString());
        Assert.Equal(600, claims.GetProperty("exp").GetInt64() - claims.GetProperty("iat").GetInt64());
        Assert.NotEmpty(claims.GetProperty("jti").GetString()!);
    }

    [Fact]
    public async Task Token_names_the_audience_and_issuer_that_are_asked_for()
    {
        string[] second = [$"{Scheme}:SigningKeys:1:Issuer=b", $"{Scheme}:SigningKeys:1:Value={Convert.ToBase64String(new byte[48])}", $"{Scheme}:ValidIssuer=b", $"{Scheme}:ValidAudience=web"];
        var (code, output, _) = await RunAsync(["token", "--issuer=b", "--audience=web", .. Keyed, .. second]);
        var parts = output.Trim().Split('.');
        var claims = JsonDocument.Parse(Decode(parts[1])).RootElement;
        Assert.Equal((0, "b", "web"), (code, claims.GetProperty("iss").GetString(), claims.GetProperty("aud").GetString()));
        Assert.Equal(HMACSHA256.HashData(new byte[48], Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}")), Decode(parts[2]));
    }

    [Theory]
    [InlineData("--foo is no setting; see --help.", "--foo=1")]
    [InlineData("'room.2' is no argument; a setting is written --NAME=VALUE. See --help.", "--subscribe", "room.1", "room.2")]
    [InlineData("--Auth:Mode is no setting; did you mean --CComet:Auth:Mode?", "--Auth:Mode=Token")]
    [InlineData("Required argument missing for option: '--sub'.", "--sub")]
    [InlineData("Required argument missing for option: '--sub'.", "--sub=")]
    [InlineData("--sub: holds the control character U+0001.", "--sub=a\u0001")]
    [InlineData("--publish: a pattern has no control characters.", "--publish=a\u0001")]
    [InlineData("--publish: 'inbox.{sub}' has {sub}; give the user's name by --sub.", "--publish=inbox.{sub}")]
    [InlineData("--ttl: '1w' is no time such as 30s, 10m, 1h or 7d.", "--ttl=1w")]
    [InlineData("--ttl: '0s' is no time such as 30s, 10m, 1h or 7d.", "--ttl=0s")]
    [InlineData("--ttl: '-1h' is no time such as 30s, 10m, 1h or 7d.", "--ttl=-1h")]
    [InlineData("--ttl: '2000000000d' is no time such as 30s, 10m, 1h or 7d.", "--ttl=2000000000d")]
    [InlineData("--ttl: 2h is more than the server takes, 01:00:00 (CComet:Auth:MaxTokenLife).", "--ttl=2h", "--CComet:Auth:MaxTokenLife=01:00:00")]
    [InlineData("--issuer: Authentication:Schemes:Bearer:SigningKeys has no key of 'other'.", "--issuer=other")]
    [InlineData("--audience: the server does not take 'other', as Authentication:Schemes:Bearer:ValidAudiences does not name it.", "--audience=other")]
    [InlineData("Authentication:Schemes:Bearer:SigningKeys:0:Value is no key of 32 bytes or more in base64.", $"{Scheme}:SigningKeys:0:Value=c2hvcnQ=")]
    [InlineData("Authentication:Schemes:Bearer:SigningKeys has no key of an issuer in Authentication:Schemes:Bearer:ValidIssuers.", $"{Scheme}:SigningKeys:0:Issuer=other")]
    public async Task Token_that_cannot_be_made_is_told_in_one_line(string line, params string[] arguments) =>
        Assert.Equal((1, "", $"CComet token: {line}{Environment.NewLine}"), await RunAsync(["token", .. Keyed, .. arguments]));

    [Fact]
    public async Task Token_outside_development_needs_a_key()
    {
        var (code, output, errors) = await RunAsync(["token", "--sub=ann", Production]);
        Assert.Equal((1, ""), (code, output));
        Assert.StartsWith("CComet token: Authentication:Schemes:Bearer:SigningKeys has no key, and one is made in Development alone", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Development_has_a_key_made_once_beside_the_other_secrets_and_kept_from_others()
    {
        if (OperatingSystem.IsWindows()) return;
        var home = Directory.CreateTempSubdirectory("ccomet-home-");
        var folder = home.CreateSubdirectory(".microsoft/usersecrets/ccomet-web");
        var file = Path.Combine(folder.FullName, "secrets.json");
        await File.WriteAllTextAsync(file, """{ "other": "kept" /* a comment */ }""");
        string[] command = ["env", "-u", "APPDATA", $"HOME={home.FullName}", "dotnet", typeof(Program).Assembly.Location, "token", "--environment=Development", "--sub=ann"];
        var tokens = new List<string>();
        for (var i = 0; i < 2; i++)
        {
            await using var program = ServerProcess.StartIn(Path.GetDirectoryName(typeof(Program).Assembly.Location)!, command);
            Assert.Equal(0, await program.ExitAsync());
            tokens.Add(Assert.Single(program.Output));
            if (i == 0) Assert.StartsWith($"Stored in {file}, which the server reads in Development: a new key, issuer '", Assert.Single(program.Errors), StringComparison.Ordinal);
            else Assert.Empty(program.Errors);
        }

        var secrets = JsonDocument.Parse(await File.ReadAllTextAsync(file)).RootElement;
        Assert.Equal("kept", secrets.GetProperty("other").GetString());
        var key = Convert.FromBase64String(secrets.GetProperty("Authentication:Schemes:Bearer:SigningKeys")[0].GetProperty("Value").GetString()!);
        foreach (var parts in tokens.Select(token => token.Split('.'))) Assert.Equal(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}")), Decode(parts[2]));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Single(folder.GetFiles());
        home.Delete(recursive: true);
    }

    [Theory]
    [InlineData(0, "allowed: a caller without a token may subscribe to 'news', by CComet:Auth:Rules:0.", "subscribe", "news")]
    [InlineData(3, "denied: a caller without a token may not publish to 'news': no claim ccomet:publish and no rule of CComet:Auth:Rules matches.", "publish", "news")]
    [InlineData(3, "denied: a caller without a token may not go by the sname 'bob': no claim ccomet:sname and no rule of CComet:Auth:Rules matches.", "sname", "bob")]
    public async Task Explain_says_which_rule_lets_in_or_what_is_missing(int code, string line, string verb, string channel)
    {
        string[] rules = ["--CComet:Auth:Mode=Token", "--CComet:Auth:Rules:0:Who=anonymous", "--CComet:Auth:Rules:0:Verbs=subscribe", "--CComet:Auth:Rules:0:Channels=news", .. Keyed];
        var (exit, output, errors) = await RunAsync(["explain", "--anonymous", $"--verb={verb}", $"--channel={channel}", .. rules]);
        Assert.Equal((code, ""), (exit, errors));
        Assert.Equal(code == 0 ? [line] : [line, "  CComet:Auth:Rules:0: anonymous: subscribe: news"], output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Explain_says_that_the_mode_is_another_and_that_the_application_would_be_asked()
    {
        var (exit, output, _) = await RunAsync(["explain", "--anonymous", "--verb=subscribe", "--channel=c", "--CComet:Auth:Mode=Open", "--CComet:Auth:Hook:Url=http://shop:s3cret@127.0.0.1:1/may", Production]);
        Assert.Equal(ServerCommands.Denied, exit);
        Assert.StartsWith("note: CComet:Auth:Mode is Open; this is what Token would do.", output, StringComparison.Ordinal);
        Assert.Contains("The server would ask the application (CComet:Auth:Hook:Url).", output, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("give either --token=TOKEN or --anonymous.", "--verb=subscribe", "--channel=c")]
    [InlineData("give either --token=TOKEN or --anonymous.", "--verb=subscribe", "--channel=c", "--anonymous", "--token=x")]
    [InlineData("--verb is missing; it is subscribe, publish, presence, admin or sname.", "--anonymous", "--channel=c")]
    [InlineData("--verb: 'read' is none of subscribe, publish, presence, admin, sname.", "--anonymous", "--channel=c", "--verb=read")]
    [InlineData("--channel is missing.", "--anonymous", "--verb=subscribe")]
    [InlineData("--channel: holds the control character U+0001.", "--anonymous", "--verb=subscribe", "--channel=a\u0001")]
    [InlineData("--chanel is no setting; see --help.", "--anonymous", "--verb=subscribe", "--channel=c", "--chanel=d")]
    [InlineData("CComet:Auth:Mode=Closed: must be one of Open, Token.", "--anonymous", "--verb=subscribe", "--channel=c", "--CComet:Auth:Mode=Closed")]
    public async Task Explain_names_an_argument_that_is_wrong(string line, params string[] arguments) =>
        Assert.Equal((1, "", $"CComet explain: {line}{Environment.NewLine}"), await RunAsync(["explain", Production, .. arguments]));

    [Theory]
    [InlineData("token")]
    [InlineData("explain")]
    public async Task Command_has_a_help_of_its_own(string command)
    {
        var (code, output, _) = await RunAsync([command, "--help"]);
        Assert.Equal(0, code);
        Assert.Contains($"CComet.Web {command} [options]", output.Replace("testhost", "CComet.Web", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains($"CComet.Web {command} ", CComet.Web.Hosting.CommandLine.Answer(["--help"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData]
    [InlineData("--urls=http://127.0.0.1:5000", "token")]
    [InlineData("tokens")]
    public async Task Arguments_that_do_not_begin_with_a_command_are_the_servers(params string[] arguments) => Assert.Null(await ServerCommands.RunAsync(arguments));

    private static byte[] Decode(string part) => System.Buffers.Text.Base64Url.DecodeFromChars(part);

    private static async Task<(int Code, string Output, string Errors)> RunAsync(string[] arguments)
    {
        await using var output = new StringWriter();
        await using var errors = new StringWriter();
        var code = await new ServerCommands(output, errors).InvokeAsync(arguments);
        return (code, output.ToString(), errors.ToString());
    }
}
