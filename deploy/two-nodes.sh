#!/usr/bin/env bash
# Runs on this machine what docker-compose.yml runs in containers: Redis, two nodes, and nginx in front of them.
# Needs redis-server, nginx, curl and .NET 10; no rights of root. Ctrl-C or SIGTERM stops everything; a second one kills what
# has not ended yet. A node may end, and the other one goes on; when Redis or nginx ends, everything is stopped.
#
#   deploy/two-nodes.sh
#
# What may be set, as environment variables:
#   CCOMET_PORT          8080              the balancer's port
#   CCOMET_NODE_1_PORT   8081              the nodes' ports
#   CCOMET_NODE_2_PORT   8082
#   CCOMET_REDIS_PORT    8083              Redis's port
#   CCOMET_ADDRESS       127.0.0.1         where the balancer listens; the others listen on 127.0.0.1
#   CCOMET_FOLDER        a temporary one   logs (*.log), process ids (*.pid), Redis's files; what is given is kept at the end
#   CCOMET_DLL           published first   a CComet.Web.dll that is there already
# All other variables reach the nodes: CComet__Poll__Timeout=00:00:20 deploy/two-nodes.sh
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
address=${CCOMET_ADDRESS:-127.0.0.1}
port=${CCOMET_PORT:-8080}
node_1_port=${CCOMET_NODE_1_PORT:-8081}
node_2_port=${CCOMET_NODE_2_PORT:-8082}
redis_port=${CCOMET_REDIS_PORT:-8083}
dll=${CCOMET_DLL:-}

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

# What must be there.
missing=()
PATH=$PATH:/usr/sbin
for tool in redis-server nginx curl; do command -v "$tool" >/dev/null || missing+=("$tool"); done
[ ${#missing[@]} -eq 0 ] || fail "Missing: ${missing[*]}. On Debian and its kin, as root:" "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
command -v dotnet >/dev/null || fail "Missing: dotnet, version 10. See https://dotnet.microsoft.com/download"
[ -z "$dll" ] || [ -f "$dll" ] || fail "CCOMET_DLL: there is no file $dll."

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

declare -A variables=()
claim() {
  if ! [[ $2 =~ ^[1-9][0-9]{0,4}$ ]] || [ "$2" -gt 65535 ]; then fail "$1: $2 is no port."; fi
  [ -z "${variables[$2]:-}" ] || fail "$1: port $2 is ${variables[$2]} already; set another."
  variables[$2]=$1
  ! listens "$2" || fail "Port $2 is taken; set $1 to another."
}
claim CCOMET_PORT "$port"
claim CCOMET_NODE_1_PORT "$node_1_port"
claim CCOMET_NODE_2_PORT "$node_2_port"
claim CCOMET_REDIS_PORT "$redis_port"

if [ -n "${CCOMET_FOLDER:-}" ]; then
  mkdir -p "$CCOMET_FOLDER"
  folder=$(cd "$CCOMET_FOLDER" && pwd)
else
  folder=$(mktemp -d "${TMPDIR:-/tmp}/ccomet-XXXXXX")
fi

declare -A pids=()

# Each stream takes an open file of a node and two of nginx.
ulimit -n "$(ulimit -Hn)"

# Starts a program in a session of its own, so that Ctrl-C reaches this script alone, which ends all in the right order.
start() {
  local name=$1 at=$2
  shift 2
  (cd "$at" && exec setsid "$@") </dev/null >>"$folder/$name.log" 2>&1 &
  pids[$name]=$!
  echo "$!" >"$folder/$name.pid"
}

runs() { [ -n "${pids[$1]:-}" ] && kill -0 "${pids[$1]}" 2>/dev/null; }

signal() { ! runs "$2" || kill "-$1" "${pids[$2]}" 2>/dev/null || true; }

# Waits for the end of a program that was told to end, and gives its exit code.
await() {
  local status=0
  while runs "$1"; do
    [ -z "$hurried" ] || signal KILL "$1"
    sleep 0.1
  done
  wait "${pids[$1]}" || status=$?
  unset "pids[$1]"
  rm -f "$folder/$1.pid"
  return "$status"
}

hurried=
# shellcheck disable=SC2317 # It is called by the trap.
stop() {
  local status=$? name
  trap - EXIT
  trap 'hurried=yes' INT TERM HUP
  # The nodes first: they tell their clients, through the balancer, which still runs, and finish what they are storing.
  for name in publish node-1 node-2; do signal TERM "$name"; done
  for name in publish node-1 node-2 balancer redis; do
    [ -n "${pids[$name]:-}" ] || continue
    case $name in balancer | redis) signal TERM "$name" ;; esac
    await "$name" 2>/dev/null || true
  done
  [ -n "${CCOMET_FOLDER:-}" ] || rm -rf "$folder"
  exit "$status"
}
trap stop EXIT
trap 'exit 0' INT TERM HUP

give_up() {
  tail -n 20 "$folder/$1.log" >&2
  fail "$1 $2; the end of its log is above."
}

# Waits until a command succeeds while a program runs.
until_it() {
  local name=$1
  shift
  for ((i = 0; i < 600; i++)); do
    if "$@" >/dev/null 2>&1; then return; fi
    runs "$name" || give_up "$name" "has ended"
    sleep 0.1
  done
  give_up "$name" "does not answer"
}

# shellcheck disable=SC2317 # It is called by until_it.
ready() { curl -fsS -m 5 "http://$1/health/ready"; }

if [ -z "$dll" ]; then
  echo "Publishing…"
  start publish "$root" dotnet publish CComet.Web -c Release --disable-build-servers -o "$folder/app"
  wait "${pids[publish]}" || give_up publish "has failed"
  unset "pids[publish]"
  rm -f "$folder/publish.pid"
  dll=$folder/app/CComet.Web.dll
fi
dll=$(cd "$(dirname "$dll")" && pwd)/$(basename "$dll")

mkdir -p "$folder/redis" "$folder/nginx"
start redis "$folder" redis-server "$root/deploy/redis.conf" --bind 127.0.0.1 --port "$redis_port" --dir "$folder/redis" --daemonize no
until_it redis listens "$redis_port"

export CComet__Store__Kind=Redis
export CComet__Store__Redis="127.0.0.1:$redis_port"
# nginx, which tells each client's own address.
export CComet__Proxies=127.0.0.1
# All who reach the balancer may publish and subscribe, unless it is called with CComet__Auth__Mode=Token.
export CComet__Auth__Mode="${CComet__Auth__Mode:-Open}"
start node-1 "$(dirname "$dll")" dotnet "$dll" --urls "http://127.0.0.1:$node_1_port"
start node-2 "$(dirname "$dll")" dotnet "$dll" --urls "http://127.0.0.1:$node_2_port"
until_it node-1 ready "127.0.0.1:$node_1_port"
until_it node-2 ready "127.0.0.1:$node_2_port"

configuration=$(<"$root/deploy/nginx.conf")
fill_in() { configuration=${configuration//"\${$1}"/"$2"}; }
fill_in CCOMET_LISTEN "$address:$port"
fill_in CCOMET_NODE_1 "127.0.0.1:$node_1_port"
fill_in CCOMET_NODE_2 "127.0.0.1:$node_2_port"
fill_in CCOMET_RUN "$folder/nginx"
printf '%s\n' "$configuration" >"$folder/nginx/nginx.conf"
# Started by root, nginx would run as somebody who may not enter the folder.
directives='daemon off;'
[ "$(id -u)" != 0 ] || directives+=' user root;'
start balancer "$folder" nginx -p "$folder/nginx" -e stderr -c "$folder/nginx/nginx.conf" -g "$directives"
reachable=${address/#0.0.0.0/127.0.0.1}
until_it balancer ready "$reachable:$port"

cat <<END
Balancer  http://$reachable:$port
Node 1    http://127.0.0.1:$node_1_port
Node 2    http://127.0.0.1:$node_2_port
Redis     127.0.0.1:$redis_port
Folder    $folder
Chat      http://$reachable:$port/chat.html
Ctrl-C stops all of them.
END

while runs node-1 || runs node-2; do
  wait -n 2>/dev/null || true
  for name in redis balancer; do
    runs "$name" || give_up "$name" "has ended"
  done
  for name in node-1 node-2; do
    if [ -z "${pids[$name]:-}" ] || runs "$name"; then continue; fi
    status=0
    await "$name" 2>/dev/null || status=$?
    echo "$name has ended, with exit code $status; the other one goes on." >&2
  done
done
fail "Both nodes have ended; their logs are in $folder."
