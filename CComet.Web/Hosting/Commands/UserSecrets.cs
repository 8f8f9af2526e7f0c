using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration.UserSecrets;

namespace CComet.Web.Hosting.Commands;

/// <summary>The file of the user secrets, which the server reads in Development, and which <c>dotnet user-jwts</c> and <c>dotnet user-secrets</c> write.</summary>
internal sealed class UserSecrets
{
    private const UnixFileMode OwnersFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly JsonObject _values;

    private UserSecrets(JsonObject values) => _values = values;

    /// <summary>Adds to the file.</summary>
    /// <returns>Its path.</returns>
    /// <exception cref="StartException">There is no place for it, or it is no JSON.</exception>
    public static string Add(Action<UserSecrets> change)
    {
        var path = FindPath();
        var secrets = new UserSecrets(Read(path));
        change(secrets);
        var folder = Path.GetDirectoryName(path)!;
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, OwnersFolder);

        // A file of another name first: one that is cut off would take the other secrets with it.
        var written = $"{path}.{Guid.NewGuid():N}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnersFile;
        using (var file = new StreamWriter(written, options)) file.WriteLine(secrets._values.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
        File.Move(written, path, overwrite: true);
        return path;
    }

    /// <summary>Sets a text.</summary>
    public void Set(string key, string value) => _values[key] = value;

    /// <summary>Sets a list.</summary>
    public void Set(string key, IEnumerable<string> values) => _values[key] = new JsonArray([.. values.Select(value => JsonValue.Create(value))]);

    /// <summary>Adds a key in the form of <c>dotnet user-jwts</c>.</summary>
    public void AddKey(string list, byte[] key, string issuer)
    {
        if (_values[list] is not JsonArray keys) _values[list] = keys = [];
        keys.Add(new JsonObject { ["Id"] = Guid.NewGuid().ToString("N")[..8], ["Issuer"] = issuer, ["Value"] = Convert.ToBase64String(key), ["Length"] = key.Length });
    }

    private static string FindPath()
    {
        var id = typeof(Program).Assembly.GetCustomAttribute<UserSecretsIdAttribute>()?.UserSecretsId ?? throw new StartException("This build of CComet.Web has no user secrets (UserSecretsId).");
        try
        {
            return PathHelper.GetSecretsPathFromSecretsId(id);
        }
        catch (InvalidOperationException e)
        {
            throw new StartException("There is no folder for user secrets: set HOME, or DOTNET_USER_SECRETS_FALLBACK_DIR.", e);
        }
    }

    private static JsonObject Read(string path)
    {
        if (!File.Exists(path)) return [];
        try
        {
            return JsonNode.Parse(File.ReadAllText(path), documentOptions: new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true }) as JsonObject ?? [];
        }
        catch (JsonException e)
        {
            throw new StartException($"{path} is no JSON.", e);
        }
    }
}
