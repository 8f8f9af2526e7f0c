using System.Globalization;
using System.Text;
using CComet.Bench.Load;

namespace CComet.Bench.Peers;

/// <summary>nchan, Debian's module for nginx, with one worker: one channel has one home, whatever their number.</summary>
internal sealed class NchanPeer : Peer
{
    private const string Module = "/usr/lib/nginx/modules/ngx_nchan_module.so";

    public override string Name => "nchan";

    /// <summary>Whether it is there.</summary>
    public static bool IsInstalled => File.Exists(Module) && File.Exists("/usr/sbin/nginx");

    public override Task<Server> StartAsync()
    {
        var folder = Directory.CreateTempSubdirectory("ccomet-bench-nchan-").FullName;
        return Server.StartAsync("/usr/sbin/nginx", port =>
        {
            var file = Path.Combine(folder, "nginx.conf");
            File.WriteAllText(file, Configuration(folder, port));
            return ["-c", file, "-e", Path.Combine(folder, "error.log")];
        });
    }

    public override Subscription Subscribe(Transport transport, string channel, Tally tally) => transport == Transport.Events
        ? new StreamClient(Get($"/sse?channel={channel}", "Accept: text/event-stream\r\n"), tally)
        : new PollClient(Get($"/sub?channel={channel}"), head => Get($"/sub?channel={channel}", After(head)), tally);

    private static string After(ReadOnlySpan<byte> head) => string.Create(
        CultureInfo.InvariantCulture,
        $"If-Modified-Since: {Encoding.ASCII.GetString(Connection.Header(head, "Last-Modified: "u8))}\r\nIf-None-Match: {Encoding.ASCII.GetString(Connection.Header(head, "Etag: "u8))}\r\n");

    private static string Configuration(string folder, int port) => $$"""
        load_module {{Module}};
        daemon off;
        worker_processes 1;
        worker_rlimit_nofile 20000;
        pid {{folder}}/pid;
        events { worker_connections 20000; }
        http {
            access_log off;
            keepalive_timeout 1h;
            keepalive_requests 1000000000;
            client_body_temp_path {{folder}}/body;
            proxy_temp_path {{folder}}/proxy;
            fastcgi_temp_path {{folder}}/fastcgi;
            uwsgi_temp_path {{folder}}/uwsgi;
            scgi_temp_path {{folder}}/scgi;
            nchan_shared_memory_size 256M;
            nchan_message_buffer_length 100;
            nchan_message_timeout 5m;
            server {
                listen 127.0.0.1:{{port}} backlog=4096;
                location = /pub { nchan_publisher; nchan_channel_id $arg_channel; }
                location = /sse { nchan_subscriber eventsource; nchan_subscriber_first_message newest; nchan_channel_id $arg_channel; }
                location = /sub { nchan_subscriber longpoll; nchan_subscriber_first_message newest; nchan_channel_id $arg_channel; }
            }
        }
        """;
}
