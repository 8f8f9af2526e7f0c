using System.CommandLine;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using CComet.Client;

namespace CComet.Cli;

/// <summary>The options that name the server, and what is made of them.</summary>
internal sealed class ServerOptions
{
    public const string UrlVariable = "CCOMET_URL";
    public const string TokenVariable = "CCOMET_TOKEN";

    private readonly Option<string?> _url = new("--url", "-u") { Description = $"The server's address; else {UrlVariable}", HelpName = "url" };
    private readonly Option<string?> _token = new("--token", "-t") { Description = $"The token; else {TokenVariable}, which no list of processes shows", HelpName = "token" };

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_url);
        command.Add(_token);
    }

    public Uri Url(ParseResult given, CliConsole console)
    {
        var text = given.GetValue(_url) ?? console.Environment(UrlVariable);
        if (string.IsNullOrEmpty(text)) throw new CliException($"--url is missing; give it, or set {UrlVariable}.", ExitCodes.Usage);
        return Address(text, "--url");
    }

    public string? Token(ParseResult given, CliConsole console) => given.GetValue(_token) is { Length: > 0 } token ? token : console.Environment(TokenVariable) is { Length: > 0 } set ? set : null;

    public CCometClient Client(ParseResult given, CliConsole console, string? sname = null)
    {
        var token = Token(given, console);
        return new CCometClient(Url(given, console), new CCometClientOptions
        {
            Sname = sname,
            Token = token is null ? null : _ => Task.FromResult<string?>(token),
            OnRetry = retry =>
            {
                if (console.IsTerminal) console.Note($"ccomet: {retry.Exception.Message} Tried again in {retry.Delay.TotalSeconds:0.0} s.");
            },
        });
    }

    public AdminApi Admin(ParseResult given, CliConsole console) => new(Url(given, console), Token(given, console));

    public static Uri Address(string text, string name) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" ? url : throw new CliException($"{name}: '{text}' is no http or https address.", ExitCodes.Usage);
}

/// <summary>The paths of the server that are for its operators.</summary>
internal sealed class AdminApi : IDisposable
{
    private readonly HttpClient _http;
    private readonly string _base;

    public AdminApi(Uri url, string? token)
    {
        _base = url.GetLeftPart(UriPartial.Path).TrimEnd('/');
        _http = new HttpClient { Timeout = TimeSpan.FromSeconds(15) };
        if (token is not null) _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Gets JSON.</summary>
    /// <param name="path">Such as <c>/admin/nodes</c>.</param>
    /// <param name="what">What it is, for a server that has none.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<JsonNode?> GetAsync(string path, string what, CancellationToken cancellation) => Parse(await SendAsync(HttpMethod.Get, path, null, what, cancellation));

    /// <summary>Posts JSON, and gets some.</summary>
    public async Task<JsonNode?> PostAsync(string path, JsonObject body, string what, CancellationToken cancellation) => Parse(await SendAsync(HttpMethod.Post, path, body, what, cancellation));

    /// <summary>Gets a text; null when the server has none.</summary>
    public async Task<string?> FindTextAsync(string path, CancellationToken cancellation)
    {
        try
        {
            return await SendAsync(HttpMethod.Get, path, null, path, cancellation);
        }
        catch (CliException e) when (e is { InnerException: null } && e.Message.StartsWith("this server has no", StringComparison.Ordinal))
        {
            return null;
        }
    }

    private static JsonNode? Parse(string text)
    {
        try
        {
            return text.Length == 0 ? null : JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            throw new CliException("the answer is none of CComet.");
        }
    }

    private async Task<string> SendAsync(HttpMethod method, string path, JsonObject? body, string what, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(method, _base + path);
        if (body is not null) request.Content = new StringContent(body.ToJsonString(), new MediaTypeHeaderValue("application/json"));
        try
        {
            using var response = await _http.SendAsync(request, cancellation);
            var text = await response.Content.ReadAsStringAsync(cancellation);
            if (response.IsSuccessStatusCode) return text;
            if (response.StatusCode == HttpStatusCode.NotFound && !IsAboutParameter(text)) throw new CliException($"this server has no {what} ({path.Split('?')[0]} is 404 there).");
            throw new CliException($"the server refused ({(int)response.StatusCode}): {Detail(text)}");
        }
        catch (HttpRequestException e)
        {
            throw new CliException($"the server cannot be reached: {e.Message}");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new CliException("the server did not answer within 15 s.");
        }
    }

    /// <summary>A 404 that names a parameter is about what was asked for, not about the path.</summary>
    private static bool IsAboutParameter(string text) => Member(text, "parameter") is not null;

    private static string Detail(string text) => Member(text, "detail") ?? "the answer is none of CComet.";

    private static string? Member(string text, string name)
    {
        try
        {
            return JsonNode.Parse(text) is JsonObject problem ? (string?)problem[name] : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
