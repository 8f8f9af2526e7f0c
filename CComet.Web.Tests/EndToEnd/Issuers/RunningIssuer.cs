using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using CComet.Web.Tests.Docs;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.EndToEnd.Issuers;

/// <summary>An issuer of npm as a process of its own.</summary>
internal sealed class RunningIssuer : IAsyncDisposable
{
    private readonly RunningProgram _program;
    private readonly HttpClient _http;

    private RunningIssuer(RunningProgram program, string url)
    {
        _program = program;
        Url = url;
        _http = new HttpClient { BaseAddress = new Uri(url), Timeout = Patience.Limit };
    }

    /// <summary>Its name, as it says itself.</summary>
    public string Url { get; }

    /// <summary>Starts one, and waits until it listens.</summary>
    /// <param name="script">The script in this folder.</param>
    /// <param name="port">The port.</param>
    /// <param name="more">What else the script takes.</param>
    public static async Task<RunningIssuer> StartAsync(string script, int port, params string[] more)
    {
        var folder = Path.Combine(Documents.Root, "CComet.Web.Tests", "EndToEnd", "Issuers");
        Assert.True(Directory.Exists(Path.Combine(folder, "node_modules")), $"The packages are missing: run npm ci in {folder}.");
        var program = RunningProgram.Start("node", "nodejs", folder, [script, $"{port}", .. more]);
        await Eventually.TrueAsync(() => program.HasExited || program.Lines.Any(line => line.StartsWith("issuer ", StringComparison.Ordinal)), "The issuer listens");
        Assert.False(program.HasExited, program.Complaints);
        return new RunningIssuer(program, program.Lines.First(line => line.StartsWith("issuer ", StringComparison.Ordinal)).Split(' ')[1]);
    }

    /// <summary>Gets a token by the credentials of a client.</summary>
    public async Task<string> TokenAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/token")
        {
            Content = new FormUrlEncodedContent([new("grant_type", "client_credentials"), new("scope", "push"), new("resource", "urn:ccomet")]),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.ASCII.GetBytes("chat:chat-secret")));
        using var answer = await _http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement.GetProperty("access_token").GetString()!;
    }

    /// <summary>Makes a new key, and gives the token that it signs first.</summary>
    public async Task<string> RotateAsync()
    {
        await _program.SignalAsync("USR2");
        await Eventually.TrueAsync(() => _program.Lines.Any(line => line.StartsWith("key ", StringComparison.Ordinal)), "A new key");
        var id = _program.Lines.Last(line => line.StartsWith("key ", StringComparison.Ordinal)).Split(' ')[1];
        while (true)
        {
            // Its keys sign in turn.
            var token = await TokenAsync();
            if (new Microsoft.IdentityModel.JsonWebTokens.JsonWebToken(token).Kid == id) return token;
        }
    }

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return _program.DisposeAsync();
    }
}
