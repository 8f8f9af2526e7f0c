using System.Reflection;
using CComet.Access;
using CComet.Web.Tests.Access;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.UserSecrets;

namespace CComet.Web.Tests.EndToEnd.Issuers;

/// <summary>Tokens of <c>dotnet user-jwts</c>, which writes its key to the user secrets and its name to appsettings.Development.json.</summary>
public sealed class UserJwtsTests : IDisposable
{
    private static readonly string SecretsId = typeof(Program).Assembly.GetCustomAttribute<UserSecretsIdAttribute>()!.UserSecretsId;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ccomet-user-jwts-");

    private string Home => Path.Combine(_folder.FullName, "home");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Token_of_user_jwts_gives_its_grant_and_the_server_starts_with_its_key()
    {
        var token = await CreateAsync();
        var configuration = new ConfigurationBuilder()
            .AddJsonFile(Path.Combine(_folder.FullName, "appsettings.Development.json"))
            .AddJsonFile(Path.Combine(Home, ".microsoft", "usersecrets", SecretsId, "secrets.json"))
            .Build();
        var fixture = new VerifierFixture();
        fixture.Time.SetUtcNow(DateTimeOffset.UtcNow);
        var grant = new GrantFactory(new AuthOptions()).Create(await VerifierFixture.AcceptAsync(fixture.Create(configuration), token));
        Assert.Equal("ann", grant.User);
        Assert.True(grant.Allows(ChannelRight.Subscribe, "room.1") && grant.Allows(ChannelRight.Publish, "news") && !grant.Allows(ChannelRight.Publish, "room.1"));

        await using var server = ServerProcess.StartWith(
            new Dictionary<string, string> { ["HOME"] = Home }, "--environment=Development", "--CComet:Auth:Mode=Token", $"--contentRoot={_folder.FullName}");
        await server.StartedAsync();
    }

    /// <summary>The tool does not write the file where there is none.</summary>
    [Fact]
    public void File_that_user_jwts_writes_to_is_part_of_the_server() =>
        Assert.True(File.Exists(Path.Combine(Docs.Documents.Root, "CComet.Web", "appsettings.Development.json")));

    /// <summary>Runs the tool on a project that has the secrets of the server, and a home of its own.</summary>
    private async Task<string> CreateAsync()
    {
        Directory.CreateDirectory(Home);
        await File.WriteAllTextAsync(
            Path.Combine(_folder.FullName, "Server.csproj"),
            $"""<Project Sdk="Microsoft.NET.Sdk.Web"><PropertyGroup><TargetFramework>net10.0</TargetFramework><UserSecretsId>{SecretsId}</UserSecretsId></PropertyGroup></Project>""");
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "appsettings.Development.json"), "{}");
        await using var tool = RunningProgram.Start(
            "/usr/bin/env", "coreutils", _folder.FullName,
            $"HOME={Home}", "DOTNET_NOLOGO=1", "DOTNET_CLI_TELEMETRY_OPTOUT=1", "dotnet", "user-jwts", "create", "--output", "token",
            "--name", "ann", "--audience", "ccomet", "--valid-for", "7d", "--claim", "ccomet:subscribe=room.*", "--claim", "ccomet:publish=news");
        await tool.SucceedAsync();
        return tool.Lines.Last(line => line.StartsWith("eyJ", StringComparison.Ordinal));
    }
}
