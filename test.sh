#!/usr/bin/env bash
# Builds, checks the format, packs the libraries and runs every test. Installs what the tests need when it is missing.
# Arguments are passed on to `dotnet test`, e.g. ./test.sh --filter FullyQualifiedName~Channels
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DEBIAN_FRONTEND=noninteractive

# What each command comes from. A missing tool is a failure, never a skipped test.
missing=()
need() { [ -x "$1" ] || command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need /usr/bin/chromium-headless-shell chromium-headless-shell
need redis-server redis-server
need node nodejs
need npm npm
need /usr/sbin/nginx nginx
need /usr/sbin/haproxy haproxy
need /usr/sbin/varnishd varnish
need /usr/bin/caddy caddy
need systemd-analyze systemd
need php php-cli
need ruby ruby
need go golang-go
need javac openjdk-17-jdk-headless
[ -e /usr/share/java/junit4.jar ] || missing+=(junit4)
need curl curl
need prometheus prometheus
need promtool prometheus
/usr/bin/python3 -c 'import websockets' >/dev/null 2>&1 || missing+=(python3-websockets)

if [ ${#missing[@]} -gt 0 ]; then
  install="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  echo "Installing ${missing[*]}"
  if [ "$(id -u)" = 0 ]; then sudo=(); else sudo=(sudo -n); fi
  if ! { "${sudo[@]}" apt-get update -qq && "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"; } </dev/null; then
    echo "The tests need ${missing[*]}, which could not be installed. Run this as root:" >&2
    echo "  $install" >&2
    exit 1
  fi
fi

# Both wait for the network.
dotnet restore CComet.sln --nologo -v quiet </dev/null &
restoring=$!
while IFS= read -r package; do
  npm ci --no-audit --no-fund --prefix "$(dirname "$package")"
done < <(find CComet.* clients samples -name package-lock.json -not -path '*/node_modules/*')

(cd clients/js && node build.mjs dist)
clients/java/build.sh
wait "$restoring"
dotnet build CComet.sln --no-restore --nologo -v quiet -warnaserror

packages=$(mktemp -d)
for package in CComet CComet.Sqlite CComet.Redis clients/dotnet/CComet.Client clients/dotnet/CComet.Client.Extensions clients/cli/CComet.Cli; do dotnet pack "$package" --no-build -c Debug -o "$packages" --nologo -v quiet -warnaserror; done
rm -rf "$packages"

# The format, beside the tests: these wait most of the time. The style is checked by the build.
unformatted=$(mktemp)
dotnet format whitespace CComet.sln --verify-no-changes --no-restore >"$unformatted" 2>&1 </dev/null &
formatting=$!

rm -rf TestResults
status=0
# Started in the background or by nohup, this has signals ignored, and so would every server of the tests.
env --default-signal dotnet test CComet.sln --no-build --nologo --logger 'console;verbosity=normal' --logger trx --results-directory TestResults "$@" </dev/null || status=$?

# Connections that wait are parked on Linux, or left to the web server: what is promised on the wire is tested over both doors.
if [ $# -eq 0 ] && [ "$(uname)" = Linux ]; then
  tests=CComet.Web.Tests
  faults=$tests.Contract.Faults.FaultTests
  wire="FullyQualifiedName~$tests.Transports|FullyQualifiedName~$tests.Http|FullyQualifiedName~$tests.Dialects.Icomet|FullyQualifiedName~$tests.Presence|FullyQualifiedName~$tests.Contract.LongPollPromiseTests"
  wire+="|FullyQualifiedName~$faults.Nothing_is_lost|FullyQualifiedName~$faults.Restart_on_a_file"
  CComet__Parking__Enabled=false env --default-signal dotnet test $tests --no-build --nologo --logger 'console;verbosity=normal' --logger trx --results-directory TestResults --filter "$wire" </dev/null || status=$?
fi

# Counted from the results, not from what was printed.
count() { grep -ho '<Counters [^>]*>' TestResults/*.trx 2>/dev/null | sed -nE "s/.* $1=\"([0-9]+)\".*/\1/p" | awk '{ n += $1 } END { print n + 0 }'; }
total=$(count total) passed=$(count passed) failed=$(count failed) executed=$(count executed)
skipped=$((total - executed))
if [ "$total" -eq 0 ]; then
  echo "No test ran." >&2
  status=1
elif [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
  echo "The test run broke off (exit code $status), which counts as a failure." >&2
  failed=1
fi
if ! wait "$formatting"; then
  echo "The format is not as it should be, which counts as a failure:" >&2
  cat "$unformatted" >&2
  failed=$((failed + 1))
fi
rm -f "$unformatted"
[ "$failed" -eq 0 ] || status=1

# Once more at the end, so that the last lines of a long log have it.
[ "$failed" -eq 0 ] || /usr/bin/python3 - TestResults/*.trx <<'LIST' || true
import sys, xml.etree.ElementTree as tree
space = '{http://microsoft.com/schemas/VisualStudio/TeamTest/2010}'
for file in sys.argv[1:]:
    for result in tree.parse(file).iter(space + 'UnitTestResult'):
        if result.get('outcome') == 'Failed':
            print('FAILED ' + result.get('testName'))
            for part in ('Message', 'StackTrace'):
                print(*('    ' + line for line in (result.findtext(f'.//{space}{part}') or '').splitlines()[:30]), sep='\n')
LIST

summary="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || summary="$summary, $skipped skipped"
echo "$summary"
exit "$status"
