# Varnish in front of a node. Run by `varnishd -f deploy/varnish.vcl -a :8080`.
# The node must list its address in CComet:Proxies to see its clients' own.
vcl 4.1;

backend node {
  .host = "127.0.0.1";
  .port = "5000";
  .connect_timeout = 2s;
  # Above Poll:Timeout (28 s) and twice Stream:Heartbeat (15 s).
  .first_byte_timeout = 60s;
  .between_bytes_timeout = 60s;
}

sub vcl_recv {
  # The node believes these of a proxy that it lists: none may come from a client.
  set req.http.X-Forwarded-For = client.ip;
  set req.http.X-Forwarded-Proto = "http";
  unset req.http.X-Forwarded-Host;
  unset req.http.X-Forwarded-Prefix;

  # A WebSocket is a tunnel.
  if (req.http.Upgrade ~ "(?i)websocket") {
    return (pipe);
  }

  # Of equal requests Varnish sends one and lets the others wait for its answer, which for a poll is half a minute. Nothing of
  # the wire may be shared: everything but the pages is passed.
  if (req.url !~ "^/(|index\.html|chat\.html|favicon\.svg|js/.*|css/.*)(\?|$)") {
    return (pass);
  }
}

sub vcl_pipe {
  set bereq.http.Connection = req.http.Connection;
  set bereq.http.Upgrade = req.http.Upgrade;
}
