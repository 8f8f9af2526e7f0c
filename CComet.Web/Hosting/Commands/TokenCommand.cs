using System.CommandLine;
using System.Globalization;
using CComet.Access;
using CComet.Messages;
using CComet.Web.Hosting.Settings;

namespace CComet.Web.Hosting.Commands;

/// <summary>The command <c>token</c>: makes a token with the key of the settings, or in Development with one that it makes.</summary>
internal static class TokenCommand
{
    /// <summary>Its name.</summary>
    public const string Name = "token";

    private static readonly (string Unit, TimeSpan Time)[] Units = [("s", TimeSpan.FromSeconds(1)), ("m", TimeSpan.FromMinutes(1)), ("h", TimeSpan.FromHours(1)), ("d", TimeSpan.FromDays(1))];

    /// <summary>Makes the command.</summary>
    public static Command Build(TextWriter output, TextWriter errors)
    {
        var sub = new Option<string>("--sub") { Description = "The user's name" };
        var rights = Enum.GetValues<ChannelRight>().Select(right => (Right: right, Option: RightOption(right))).ToArray();
        var ttl = new Option<string>("--ttl") { Description = "How long the token holds: 30s, 10m, 1h, 7d", DefaultValueFactory = _ => "1h" };
        var audience = new Option<string>("--audience") { Description = "For whom it is; by default the first audience of the settings" };
        var issuer = new Option<string>("--issuer") { Description = "By whom it is; by default that of the first key of the settings" };
        var command = new Command(Name, "Prints a token (JWT, HS256), signed with the first key in Authentication:Schemes:Bearer:SigningKeys. In Development, where there is none, makes one and stores it in the user secrets, where the server reads it.")
        {
            sub, ttl, audience, issuer,
        };
        foreach (var (_, option) in rights) command.Add(option);
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(async (given, _) =>
        {
            var builder = ServerBuilder.Create(ServerCommands.SettingsOf(given.UnmatchedTokens));
            var settings = SettingsReader.Read(builder.Configuration, SettingsCatalogue.Server).GetSection("Auth").Get<AuthOptions>() ?? new AuthOptions();
            var patterns = rights.SelectMany(r => (given.GetValue(r.Option) ?? []).Select(pattern => (r.Right, Pattern: pattern))).ToList();
            var user = given.GetValue(sub);
            Check(user, patterns);
            var life = ReadLife(given.GetValue(ttl)!, settings.MaxTokenLife);
            var key = DevelopmentKey.Find(builder.Configuration, builder.Environment, given.GetValue(issuer), given.GetValue(audience), errors.WriteLine);
            await output.WriteLineAsync(DevelopmentToken.Create(key, user, patterns, TimeProvider.System.GetUtcNow(), life));
            return ServerCommands.Done;
        });
        return command;
    }

    private static Option<string[]> RightOption(ChannelRight right) => new($"--{GrantFactory.NameOf(right)}")
    {
        Description = $"{(right == ChannelRight.Sname ? "Snames" : "Channels")} for the claim {GrantFactory.ClaimPrefix}{GrantFactory.NameOf(right)}: an exact name, or a prefix that ends in *; may repeat",
        HelpName = "pattern",
    };

    private static void Check(string? user, List<(ChannelRight Right, string Pattern)> patterns)
    {
        if (user is not null && Names.FindProblem(user) is { } wrong) throw new StartException($"--sub: {wrong}");
        foreach (var (right, pattern) in patterns)
        {
            if (ChannelPatterns.FindProblem(pattern) is { } problem) throw new StartException($"--{GrantFactory.NameOf(right)}: {problem}.");
            if (user is null && pattern.Contains(ChannelPatterns.OwnName, StringComparison.Ordinal)) throw new StartException($"--{GrantFactory.NameOf(right)}: '{pattern}' has {ChannelPatterns.OwnName}; give the user's name by --sub.");
        }
    }

    private static TimeSpan ReadLife(string text, TimeSpan max)
    {
        var (unit, time) = Units.FirstOrDefault(u => text.EndsWith(u.Unit, StringComparison.Ordinal));
        if (unit is null || !int.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number == 0 || number > TimeSpan.MaxValue / time)
            throw new StartException($"--ttl: '{text}' is no time such as 30s, 10m, 1h or 7d.");
        var life = number * time;
        return life <= max ? life : throw new StartException($"--ttl: {text} is more than the server takes, {SettingText.Format(max)} (CComet:Auth:MaxTokenLife).");
    }
}
