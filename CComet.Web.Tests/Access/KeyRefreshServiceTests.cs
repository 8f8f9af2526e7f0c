using System.Security.Cryptography;
using System.Text.Json;
using CComet.Web.Hosting.Access;
using CComet.Web.Tests.Support;
using Microsoft.Extensions.Configuration;

namespace CComet.Web.Tests.Access;

/// <summary>Keys of the settings change while the server runs, by their files.</summary>
public sealed class KeyRefreshServiceTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ccomet-keys-");
    private readonly VerifierFixture _fixture = new();
    private readonly LogLines<KeyRefreshService> _log = new();
    private readonly byte[] _second = RandomNumberGenerator.GetBytes(32);
    private DateTime _written = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private string SettingsFile => Path.Combine(_folder.FullName, "appsettings.json");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Key_that_is_written_counts_at_the_next_look_and_the_old_one_no_more()
    {
        Write(VerifierFixture.Key);
        var (verifier, service, changes) = Start();
        await AcceptAsync(verifier, VerifierFixture.Key);

        Write(_second);
        service.LookAtFiles();
        await AcceptAsync(verifier, _second);
        await VerifierFixture.RefuseAsync(verifier, Sign(VerifierFixture.Key));
        Assert.Equal(1, changes());

        Write(VerifierFixture.Key, _second);
        service.LookAtFiles();
        await AcceptAsync(verifier, VerifierFixture.Key);
        await AcceptAsync(verifier, _second);
        Assert.Equal(2, changes());
    }

    [Fact]
    public async Task Service_looks_every_few_seconds()
    {
        Write(VerifierFixture.Key);
        var (verifier, service, changes) = Start();
        await service.StartAsync(CancellationToken.None);
        Write(_second);
        await _fixture.Time.UntilAsync(() => changes() == 1, KeyRefreshService.LookInterval, "The change of keys");
        await AcceptAsync(verifier, _second);
        await service.StopAsync(CancellationToken.None);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"Authentication":{"Schemes":{"Bearer":{"ValidAudience":"ccomet"}}}}""")]
    public async Task File_that_is_broken_leaves_the_keys_and_is_told_once(string text)
    {
        Write(VerifierFixture.Key);
        var (verifier, service, changes) = Start();
        WriteText(text);
        for (var i = 0; i < 3; i++) service.LookAtFiles();
        await AcceptAsync(verifier, VerifierFixture.Key);
        Assert.Equal((0, 1), (changes(), _log.Lines.Count));

        Write(_second);
        service.LookAtFiles();
        await AcceptAsync(verifier, _second);
        Assert.Equal(1, changes());
    }

    [Fact]
    public async Task File_that_was_not_there_counts_once_it_is_written()
    {
        Write(VerifierFixture.Key);
        var (verifier, service, _) = Start();
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "appsettings.Development.json"), Text([_second]));
        service.LookAtFiles();
        await AcceptAsync(verifier, _second);
        Assert.Equal(1, _log.Count("again"));
    }

    [Fact]
    public async Task File_that_has_gone_leaves_the_keys()
    {
        Write(VerifierFixture.Key);
        var (verifier, service, _) = Start();
        File.Delete(SettingsFile);
        service.LookAtFiles();
        await AcceptAsync(verifier, VerifierFixture.Key);
    }

    [Fact]
    public void Other_settings_of_a_file_change_nothing()
    {
        Write(VerifierFixture.Key);
        var (_, service, changes) = Start();
        WriteText(Text([VerifierFixture.Key], "another"));
        service.LookAtFiles();
        Assert.Equal((0, 0), (changes(), _log.Lines.Count));
    }

    /// <summary>Kubernetes mounts a file as a link through a link to a folder, and replaces the latter.</summary>
    [Fact]
    public async Task File_behind_links_is_followed()
    {
        foreach (var (version, key) in new[] { ("1", VerifierFixture.Key), ("2", _second) })
        {
            var folder = _folder.CreateSubdirectory(version);
            File.WriteAllText(Path.Combine(folder.FullName, "appsettings.json"), Text([key]));
            File.SetLastWriteTimeUtc(Path.Combine(folder.FullName, "appsettings.json"), _written = _written.AddSeconds(1));
        }

        var data = Path.Combine(_folder.FullName, "..data");
        Directory.CreateSymbolicLink(data, "1");
        File.CreateSymbolicLink(SettingsFile, "..data/appsettings.json");
        var (verifier, service, _) = Start();
        await AcceptAsync(verifier, VerifierFixture.Key);

        Directory.Delete(data);
        Directory.CreateSymbolicLink(data, "2");
        service.LookAtFiles();
        await AcceptAsync(verifier, _second);
    }

    /// <summary>Otherwise a key of one issuer would cost the tokens of all others a wait, or a refusal while theirs cannot be reached.</summary>
    [Fact]
    public async Task What_is_known_of_an_issuer_outlives_a_change_of_the_file()
    {
        using var rsa = RSA.Create(2048);
        var issuer = await TestIssuer.StartAsync();
        issuer.Keys = issuer.Keys.Add("1", rsa);
        string[] authority = [.. VerifierFixture.Authority(issuer.Url, "Other").Select(s => $"{SchemeSettings.Root}:{s}")];
        Write(VerifierFixture.Key);
        var (verifier, service, _) = Start(authority);
        var token = _fixture.NewToken().With("iss", issuer.Url).WithHeader("kid", "1").Sign(rsa);
        await VerifierFixture.AcceptAsync(verifier, token);

        await issuer.DisposeAsync();
        Write(_second);
        service.LookAtFiles();
        await AcceptAsync(verifier, _second);
        await VerifierFixture.AcceptAsync(verifier, token);
    }

    [Fact]
    public async Task Server_reads_new_keys_without_a_restart_and_watches_no_file()
    {
        Write(VerifierFixture.Key);
        await using var server = ServerProcess.Start("--CComet:Auth:Mode=Token", $"--contentRoot={_folder.FullName}", "--urls=http://127.0.0.1:0");
        await server.StartedAsync();
        Write(_second);
        await server.LineAsync("Has read Authentication:Schemes again");
        if (OperatingSystem.IsLinux()) Assert.DoesNotContain(server.OpenFiles, file => file.Contains("inotify", StringComparison.Ordinal));
    }

    private static string Text(byte[][] keys, string host = "*") => JsonSerializer.Serialize(new
    {
        AllowedHosts = host,
        Authentication = new
        {
            Schemes = new
            {
                Bearer = new
                {
                    ValidIssuer = TestToken.Issuer,
                    ValidAudiences = new[] { TestToken.Audience },
                    SigningKeys = keys.Select(key => new { Issuer = TestToken.Issuer, Value = Convert.ToBase64String(key) }),
                },
            },
        },
    });

    private Task<System.Security.Claims.ClaimsPrincipal> AcceptAsync(JwtVerifier verifier, byte[] key) => VerifierFixture.AcceptAsync(verifier, Sign(key));

    private string Sign(byte[] key) => _fixture.NewToken().Sign(key);

    private void Write(params byte[][] keys) => WriteText(Text(keys));

    /// <summary>Writes the file as an editor does, at a time that differs from every other.</summary>
    private void WriteText(string text)
    {
        var written = Path.Combine(_folder.FullName, "new");
        File.WriteAllText(written, text);
        File.SetLastWriteTimeUtc(written, _written = _written.AddSeconds(1));
        File.Move(written, SettingsFile, overwrite: true);
    }

    /// <summary>Reads the file as the server does at its start.</summary>
    private (JwtVerifier Verifier, KeyRefreshService Service, Func<int> Changes) Start(params string[] more)
    {
        var configuration = new ConfigurationManager();
        configuration.SetBasePath(_folder.FullName).AddJsonFile("appsettings.json", optional: true, reloadOnChange: false)
            .AddJsonFile("appsettings.Development.json", optional: true, reloadOnChange: false);
        configuration.AddInMemoryCollection(more.Select(s => s.Split('=', 2)).Select(s => KeyValuePair.Create(s[0], (string?)s[1])));
        var verifier = _fixture.Create(configuration);
        var changes = 0;
        verifier.Changed += () => Interlocked.Increment(ref changes);
        var service = new KeyRefreshService(verifier, new SettingsFiles(configuration), _fixture.Time, _log);
        service.LookAtFiles();
        return (verifier, service, () => Volatile.Read(ref changes));
    }
}
