using CComet.Web.Tests.Docs;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.EndToEnd.Deploy;

/// <summary>A proxy as Debian ships it, run with its configuration in <c>deploy/</c>, in a folder and on a port of its own.</summary>
public sealed class Proxy : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly RunningProgram _program;

    private Proxy(DirectoryInfo folder, RunningProgram program, int port)
    {
        _folder = folder;
        _program = program;
        Port = port;
    }

    /// <summary>The configurations that there are.</summary>
    public static IReadOnlyList<string> Kinds => ["nginx.conf", "haproxy.cfg", "Caddyfile", "varnish.vcl"];

    public int Port { get; }

    public string Url => $"http://127.0.0.1:{Port}";

    /// <summary>Starts one, and waits until it listens.</summary>
    /// <param name="kind">One of <see cref="Kinds"/>.</param>
    /// <param name="nodes">The ports of the nodes behind it; Varnish takes the first.</param>
    public static async Task<Proxy> StartAsync(string kind, params int[] nodes)
    {
        var folder = Directory.CreateTempSubdirectory("ccomet-proxy-");
        var port = Ports.Take();
        var file = Path.Combine(folder.FullName, kind);
        var listen = $"127.0.0.1:{port}";
        string[] variables =
        [
            $"CCOMET_LISTEN={(kind == "Caddyfile" ? $"http://{listen}" : listen)}", $"CCOMET_NODE_1=127.0.0.1:{nodes[0]}", $"CCOMET_NODE_2=127.0.0.1:{nodes[^1]}",
            $"CCOMET_RUN={folder.FullName}", $"HOME={folder.FullName}",
        ];
        await File.WriteAllTextAsync(file, kind switch
        {
            // nginx knows no variables of the environment: the image of the compose file fills them in.
            "nginx.conf" => variables.Select(v => v.Split('=', 2)).Aggregate(Documents.Read("deploy/nginx.conf"), (text, v) => text.Replace($"${{{v[0]}}}", v[1], StringComparison.Ordinal)),
            "varnish.vcl" => Documents.Read("deploy/varnish.vcl").Replace("\"5000\"", $"\"{nodes[0]}\"", StringComparison.Ordinal),
            _ => Documents.Read($"deploy/{kind}"),
        });
        var (executable, package, arguments) = kind switch
        {
            "nginx.conf" => ("/usr/sbin/nginx", "nginx", (string[])["-p", folder.FullName, "-e", "stderr", "-c", file, "-g", "daemon off;"]),
            "haproxy.cfg" => ("/usr/sbin/haproxy", "haproxy", ["-db", "-f", file]),
            "Caddyfile" => ("/usr/bin/caddy", "caddy", ["run", "--adapter", "caddyfile", "--config", file]),
            _ => ("/usr/sbin/varnishd", "varnish", ["-F", "-n", Path.Combine(folder.FullName, "varnish"), "-a", listen, "-f", file, "-s", "malloc,16m", "-p", "vcc_allow_inline_c=off"]),
        };

        // Started by root, varnishd reads its file as a user of its own.
        if (OperatingSystem.IsLinux()) File.SetUnixFileMode(folder.FullName, File.GetUnixFileMode(folder.FullName) | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        Assert.True(File.Exists(executable), $"{executable} is missing (Debian: apt-get install {package}).");
        var program = RunningProgram.Start("env", "coreutils", folder.FullName, [.. variables, executable, .. arguments]);
        await Eventually.TrueAsync(() => program.HasExited || Ports.Listens(port), $"{package} listens");
        Assert.False(program.HasExited, $"{package} has ended: {program.Complaints}");
        return new Proxy(folder, program, port);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_program.HasExited)
        {
            await _program.SignalAsync("TERM");
            await _program.ExitCodeAsync();
        }

        await _program.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
