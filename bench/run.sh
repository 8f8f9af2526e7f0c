#!/usr/bin/env bash
# Measures, in one run: bench/run.sh stores | repoll | scrape | peers. Without more arguments than these it says what there is.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
need() { command -v "$1" >/dev/null || [ -e "$1" ] || { echo "Missing: $1. On Debian and its kin: apt-get install -y $2" >&2; exit 1; }; }
case "${1:-}" in
    stores) need redis-server redis-server ;;
    peers) need /usr/lib/nginx/modules/ngx_nchan_module.so libnginx-mod-nchan ;;
esac
for project in CComet.Web CComet.Simulator bench/CComet.Bench.Peers bench/CComet.Bench; do dotnet build "$root/$project" -c Release --nologo -v quiet -clp:ErrorsOnly; done
exec dotnet "$root/bench/CComet.Bench/bin/Release/net10.0/CComet.Bench.dll" "$root" "$@"
