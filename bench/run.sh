#!/usr/bin/env bash
# Measures, in one run: bench/run.sh stores
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
command -v redis-server >/dev/null || { echo "Missing: redis-server. On Debian and its kin: apt-get install -y redis-server" >&2; exit 1; }
for project in CComet.Web CComet.Simulator bench/CComet.Bench; do dotnet build "$root/$project" -c Release --nologo -v quiet; done
exec dotnet "$root/bench/CComet.Bench/bin/Release/net10.0/CComet.Bench.dll" "$@" "$root"
