using System.Net.Http.Json;
using System.Text.Json;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Clients.Samples;

/// <summary>A server on SQLite in a process of its own, which can be killed and comes back on the same port.</summary>
internal sealed class KilledServer : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ccomet-sample-");
    private readonly HttpClient _http = new();
    private readonly string[] _settings;
    private ServerProgram? _program;

    private KilledServer(string[] settings)
    {
        Url = $"http://127.0.0.1:{Ports.Take()}";
        _settings = [$"--urls={Url}", "--CComet:Store:Kind=Sqlite", $"--CComet:Store:Path={Path.Combine(Folder, "ccomet.db")}", .. settings];
    }

    public string Url { get; }

    /// <summary>A folder that the test may use as well.</summary>
    public string Folder => _folder.FullName;

    public static async Task<KilledServer> StartAsync(params string[] settings)
    {
        var server = new KilledServer(settings);
        server._program = await ServerProgram.StartAsync("http", server._settings);
        return server;
    }

    /// <summary>Kills it in the middle of whatever it does.</summary>
    public ValueTask KillAsync() => _program!.DisposeAsync();

    /// <summary>Starts it again.</summary>
    public async Task StartAgainAsync() => _program = await ServerProgram.StartAsync("http", _settings);

    /// <summary>Publishes, and gives the seqid.</summary>
    public async Task<long> PublishAsync(string channel, object msg)
    {
        using var answer = await _http.PostAsJsonAsync($"{Url}/pub", new { channel, msg });
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<JsonElement>())[0].GetProperty("seqid").GetInt64();
    }

    public async ValueTask DisposeAsync()
    {
        if (_program is not null) await _program.DisposeAsync();
        _http.Dispose();
        _folder.Delete(recursive: true);
    }
}
