using System.Net;
using System.Text.RegularExpressions;
using CComet.Web.Tests.Docs;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Embedding;

/// <summary>The sample <c>samples/JwtChat</c> as its README starts it: the application, and the push server beside it.</summary>
public sealed partial class JwtChatPrograms : IAsyncLifetime, IAsyncDisposable
{
    private const string Sample = "samples/JwtChat";

    private readonly List<HttpClient> _clients = [];
    private ServerProcess? _server;
    private ServerProcess? _app;

    public JwtChatPrograms()
    {
        Server = $"http://127.0.0.1:{Ports.Take()}";
        App = $"http://127.0.0.1:{Ports.Take()}";
    }

    /// <summary>The origin of the push server.</summary>
    public string Server { get; }

    /// <summary>The origin of the application.</summary>
    public string App { get; }

    /// <summary>A client of the push server.</summary>
    public HttpClient Push { get; private set; } = null!;

    /// <summary>Starts both, the application with further settings.</summary>
    public static async Task<JwtChatPrograms> StartAsync(params string[] settings)
    {
        var programs = new JwtChatPrograms();
        await programs.BeginAsync(settings);
        return programs;
    }

    /// <summary>Starts the application alone, as <c>dotnet run</c> does: in the folder of the project.</summary>
    public static ServerProcess StartApp(params string[] settings)
    {
        var output = Path.Combine(Documents.Root, Sample, "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0");
        return ServerProcess.StartIn(Path.Combine(Documents.Root, Sample), ["dotnet", Path.Combine(output, "JwtChat.dll"), .. settings]);
    }

    public Task InitializeAsync() => BeginAsync([]);

    /// <summary>A client of the application, with a jar for cookies, that says of itself to be its page.</summary>
    public HttpClient NewVisitor()
    {
        var http = new HttpClient(new HttpClientHandler { CookieContainer = new CookieContainer() }) { BaseAddress = new Uri(App), Timeout = Patience.Limit };
        http.DefaultRequestHeaders.Add("Origin", App);
        _clients.Add(http);
        return http;
    }

    /// <summary>Signs a user in.</summary>
    public async Task<HttpClient> SignInAsync(string name)
    {
        var http = NewVisitor();
        Assert.Equal(200, (await http.AskAsync("/login", Form(("name", name)))).Status);
        return http;
    }

    /// <summary>Signs a user in, and gets a token.</summary>
    public async Task<string> TokenAsync(string name) => (await (await SignInAsync(name)).AskAsync("/token", Form())).Json.GetProperty("token").GetString()!;

    /// <summary>Asks the push server by a token.</summary>
    public Task<Answer> AskAsync(string token, string path, string? json = null) =>
        Push.AskAsync(json is null ? HttpMethod.Get : HttpMethod.Post, path, json is null ? null : Asking.Body(json), headers => headers.Authorization = new("Bearer", token));

    public static FormUrlEncodedContent Form(params (string Name, string Value)[] fields) => new(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients) client.Dispose();
        if (Interlocked.Exchange(ref _app, null) is { } app) await app.DisposeAsync();
        if (Interlocked.Exchange(ref _server, null) is { } server) await server.DisposeAsync();
    }

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    private async Task BeginAsync(string[] settings)
    {
        // The pages are not beside the program that the tests run, but in its project.
        _server = ServerProcess.Start([$"--contentRoot={Path.Combine(Documents.Root, "CComet.Web")}", .. ServerArguments()]);
        _app = StartApp(["--environment=Development", $"--urls={App}", $"--Push:Url={Server}", .. settings]);
        Push = await _server.ClientAsync();
        _clients.Add(Push);
        (await _app.ClientAsync()).Dispose();
    }

    /// <summary>What the README gives the push server, on other ports.</summary>
    private string[] ServerArguments()
    {
        var command = ServerCommand().Match(Documents.Read($"{Sample}/README.md")).Groups[1].Value;
        Assert.NotEmpty(command);
        return command.Replace("http://localhost:5000", Server, StringComparison.Ordinal).Replace("http://localhost:5080", App, StringComparison.Ordinal)
            .Split([' ', '\\', '\n'], StringSplitOptions.RemoveEmptyEntries);
    }

    [GeneratedRegex("^dotnet run --project CComet\\.Web -- (.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex ServerCommand();
}
