namespace CComet.Web.Tests.Support;

/// <summary>
/// Debian's nginx in front of a server, with the settings that a proxy has when nobody thought of streams. A second address
/// is the same but for one thing: it is deaf to X-Accel-Buffering. A third one keeps its connections to the server, and tells of its clients.
/// </summary>
public sealed class Nginx : IAsyncDisposable
{
    private const string Executable = "/usr/sbin/nginx";

    private readonly DirectoryInfo _folder;
    private readonly RunningProgram _program;

    private Nginx(DirectoryInfo folder, RunningProgram program, int port, int deafPort, int keepingPort)
    {
        _folder = folder;
        _program = program;
        Url = $"http://127.0.0.1:{port}";
        DeafUrl = $"http://127.0.0.1:{deafPort}";
        KeepingPort = keepingPort;
    }

    public string Url { get; }

    public string DeafUrl { get; }

    public int KeepingPort { get; }

    public static async Task<Nginx> StartAsync(int serverPort)
    {
        var folder = Directory.CreateTempSubdirectory("ccomet-nginx-");
        var (port, deafPort, keepingPort) = (Ports.Take(), Ports.Take(), Ports.Take());
        var configuration = Path.Combine(folder.FullName, "nginx.conf");
        await File.WriteAllTextAsync(configuration, $$"""
            daemon off;
            worker_processes 1;
            pid nginx.pid;
            events { }
            http {
              access_log off;
              client_body_temp_path client_body;
              proxy_temp_path proxy;
              fastcgi_temp_path fastcgi;
              uwsgi_temp_path uwsgi;
              scgi_temp_path scgi;
              upstream kept {
                server 127.0.0.1:{{serverPort}};
                keepalive 4;
              }
              server {
                listen 127.0.0.1:{{keepingPort}};
                location / {
                  proxy_pass http://kept;
                  proxy_http_version 1.1;
                  proxy_set_header Connection "";
                  proxy_set_header Host $http_host;
                  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                  proxy_set_header X-Forwarded-Proto $scheme;
                  proxy_set_header X-Request-ID $request_id;
                }
              }
              server {
                listen 127.0.0.1:{{port}};
                location / { proxy_pass http://127.0.0.1:{{serverPort}}; }
              }
              server {
                listen 127.0.0.1:{{deafPort}};
                location / { proxy_pass http://127.0.0.1:{{serverPort}}; proxy_ignore_headers X-Accel-Buffering; }
              }
            }
            """);
        var program = RunningProgram.Start(Executable, "nginx", null, "-p", folder.FullName, "-e", "stderr", "-c", configuration);
        var nginx = new Nginx(folder, program, port, deafPort, keepingPort);
        await Eventually.TrueAsync(() => program.HasExited || (Ports.Listens(port) && Ports.Listens(deafPort) && Ports.Listens(keepingPort)), "nginx listens");
        Assert.False(program.HasExited, $"nginx has ended: {program.Complaints}");
        return nginx;
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
