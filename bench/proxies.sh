#!/usr/bin/env bash
# How long a message takes through each proxy that docs/operations.md shows, with its file in deploy/, before one node.
# Needs what it measures (Debian: nginx haproxy caddy varnish) and .NET 10. All on this machine, some ten seconds for each.
#   bench/proxies.sh [haproxy nginx …]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PATH=$PATH:/usr/sbin
folder=$(mktemp -d "${TMPDIR:-/tmp}/ccomet-proxies-XXXXXX")
chmod 755 "$folder"
node=18080 port=18081
pids=()
stop() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; rm -rf "$folder"; }
trap stop EXIT

until_listens() { for ((i = 0; i < 300; i++)); do (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; sleep 0.1; done; echo "Nothing listens on $1." >&2; exit 1; }

echo "Building…" >&2
dotnet publish "$root/CComet.Web" -c Release -v q --nologo -o "$folder/web" >&2
dotnet publish "$root/CComet.Simulator" -c Release -v q --nologo -o "$folder/simulator" >&2
dotnet "$folder/web/CComet.Web.dll" --urls "http://127.0.0.1:$node" --CComet:Store:Kind=Memory --Serilog:MinimumLevel:Default=Warning >&2 &
pids+=($!)
until_listens $node

measure() { # name, port
  dotnet "$folder/simulator/CComet.Simulator.dll" fanout --url "http://127.0.0.1:$2" --transport sse --subscribers 100 --rate 100 --duration 8s --json |
    python3 -c 'import json,sys; t=json.load(sys.stdin)["deliveryMicros"]; print("| %s | %.1f | %.1f |" % (sys.argv[1], t["p50"]/1000, t["p99"]/1000))' "$1"
}

export CCOMET_LISTEN=127.0.0.1:$port CCOMET_NODE_1=127.0.0.1:$node CCOMET_NODE_2=127.0.0.1:$node CCOMET_RUN=$folder HOME=$folder
echo '| through | p50, ms | p99, ms |'
echo '|---|---|---|'
measure 'none' $node
for proxy in "${@:-nginx haproxy caddy varnish}"; do
  for name in $proxy; do
    case $name in
      nginx) sed -e "s|\${CCOMET_LISTEN}|$CCOMET_LISTEN|; s|\${CCOMET_NODE_[12]}|$CCOMET_NODE_1|; s|\${CCOMET_RUN}|$folder|" "$root/deploy/nginx.conf" | awk '!/server 127.0.0.1/ || !seen++' >"$folder/nginx.conf"
        run=(nginx -p "$folder" -e stderr -c "$folder/nginx.conf" -g 'daemon off;') ;;
      haproxy) run=(haproxy -db -f "$root/deploy/haproxy.cfg") ;;
      caddy) run=(env "CCOMET_LISTEN=http://$CCOMET_LISTEN" caddy run --adapter caddyfile --config "$root/deploy/Caddyfile") ;;
      varnish) sed "s/\"5000\"/\"$node\"/" "$root/deploy/varnish.vcl" >"$folder/varnish.vcl"
        run=(varnishd -F -n "$folder/varnish" -a "$CCOMET_LISTEN" -f "$folder/varnish.vcl" -s malloc,16m) ;;
      *) echo "$name is none of nginx, haproxy, caddy, varnish." >&2; exit 2 ;;
    esac
    "${run[@]}" >"$folder/$name.log" 2>&1 &
    pid=$!
    pids+=("$pid")
    until_listens $port
    measure "$name" $port
    kill "$pid"
    wait "$pid" 2>/dev/null || true
  done
done
