#!/usr/bin/env bash
# Builds the client into target/: the jar, its sources and its documentation, and the adapter for the conformance scenarios.
#   ./build.sh         builds
#   ./build.sh test    builds, checks the API level, compiles the samples, and runs the tests
# Needs a JDK (Debian: openjdk-17-jdk-headless), and for the tests JUnit 4 (Debian: junit4). CCOMET_TARGET sets another folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

version=$(sed -n 's/.*VERSION = "\(.*\)";/\1/p' src/main/java/io/ccomet/CComet.java)
target=${CCOMET_TARGET:-target}
name=ccomet-client-$version
lint=(-Xlint:all,-options -Werror -encoding UTF-8 -proc:none)

command -v javac >/dev/null 2>&1 || { echo "javac is missing (Debian: apt-get install openjdk-17-jdk-headless)." >&2; exit 1; }

rm -rf "$target"
mkdir -p "$target"
target=$(cd "$target" && pwd)

sources() { find "$@" -name '*.java' | LC_ALL=C sort; }
compile() { # folder, classpath, sources…
  local into=$1 path=$2
  shift 2
  mkdir -p "$into"
  javac --release 8 "${lint[@]}" -cp "$path" -d "$into" "$@"
}

mapfile -t main < <(sources src/main/java)
compile "$target/classes" "" "${main[@]}"
cp -r src/main/resources/. "$target/classes/"
mkdir -p "$target/classes/META-INF"
cp ../../LICENSE "$target/classes/META-INF/LICENSE"

printf '%s\n' "Automatic-Module-Name: io.ccomet" "Implementation-Title: ccomet-client" "Implementation-Version: $version" >"$target/manifest"
jar --create --file "$target/$name.jar" --manifest "$target/manifest" -C "$target/classes" .
jar --create --file "$target/$name-sources.jar" --no-manifest -C src/main/java . -C src/main/resources .

javadoc -quiet --release 8 -encoding UTF-8 -Xdoclint:all -Werror -notimestamp -d "$target/javadoc" -sourcepath src/main/java io.ccomet
jar --create --file "$target/$name-javadoc.jar" --no-manifest -C "$target/javadoc" .

# Plays the scenarios of clients/conformance. Not published.
mapfile -t conformance < <(sources conformance/src)
compile "$target/conformance" "$target/$name.jar" "${conformance[@]}"
jar --create --file "$target/ccomet-conformance.jar" --no-manifest -C "$target/conformance" .

[ "${1:-}" = test ] || exit 0

# Android 5.0 has what Java 7 has, and no more: the sources must compile against the class library of Java 7, which JDK 8 to 19 bring along.
jdk=$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")
mkdir -p "$target/java7"
(cd "$target/java7" && jar --extract --file "$jdk/lib/ct.sym")
mkdir -p "$target/java7-api"
for folder in "$target"/java7/*7*/java.base "$target"/java7/*7*/java.logging; do [ ! -d "$folder" ] || cp -r "$folder/." "$target/java7-api/"; done
[ -e "$target/java7-api/java/lang/Object.sig" ] || { echo "This JDK has no class library of Java 7 to check against; use JDK 17." >&2; exit 1; }
find "$target/java7-api" -name '*.sig' -exec sh -c 'for f; do mv "$f" "${f%.sig}.class"; done' sh {} +
rm -rf "$target/java7"
mkdir -p "$target/api-check"
javac -source 8 -target 8 -Xlint:-options -proc:none -encoding UTF-8 -bootclasspath "$target/java7-api" -d "$target/api-check" "${main[@]}"
rm -rf "$target/java7-api" "$target/api-check"

# Of Java 7 itself, Android 5.0 has no java.nio.file, java.lang.invoke and the like: only these packages may be used.
allowed='java/(lang|io|net|nio|nio/charset|security|text|util|util/concurrent|util/concurrent/atomic|util/logging)|javax/net/ssl'
# shellcheck disable=SC2016
alien=$(cd "$target/classes" && find . -name '*.class' -exec javap -v -p {} + | sed -nE 's/.*= Class +"?\[*L?((java|javax|sun|com|jdk)\/[A-Za-z0-9_\/$]+);?"?.*/\1/p' | sort -u | grep -vE "^($allowed)/[^/]+$" || true)
[ -z "$alien" ] || { echo "The client uses what Android 5.0 has not: $alien" >&2; exit 1; }

# The documentation's lines and the samples, as an application compiles them.
mapfile -t console < <(sources ../../samples/JavaConsole)
compile "$target/sample-console" "$target/$name.jar" "${console[@]}"
mapfile -t stubs < <(sources src/test/android-stubs)
javac --release 8 -encoding UTF-8 -proc:none -Xlint:all,-options -d "$target/android-stubs" "${stubs[@]}"
mapfile -t android < <(sources ../../samples/Android)
compile "$target/sample-android" "$target/$name.jar:$target/android-stubs" "${android[@]}"

mapfile -t programs < <(sources src/test/programs)
compile "$target/programs" "$target/$name.jar" "${programs[@]}"

junit=/usr/share/java/junit4.jar:/usr/share/java/hamcrest.jar
[ -e /usr/share/java/junit4.jar ] || { echo "JUnit 4 is missing (Debian: apt-get install junit4)." >&2; exit 1; }
keytool -genkeypair -alias test -keyalg EC -groupname secp256r1 -dname CN=localhost -ext san=dns:localhost,ip:127.0.0.1 -validity 36500 \
  -storetype PKCS12 -keystore "$target/test.p12" -storepass changeit >/dev/null 2>&1
mapfile -t tests < <(sources src/test/java)
compile "$target/test-classes" "$target/classes:$target/conformance:$junit" "${tests[@]}"
mapfile -t names < <(cd src/test/java && find . -name '*Test.java' | LC_ALL=C sort | sed 's|^\./||; s|\.java$||; s|/|.|g')
java -Xmx256m ${CCOMET_PATIENCE:+-Dccomet.patience=$CCOMET_PATIENCE} -Dccomet.keystore="$target/test.p12" -cp "$target/test-classes:$target/classes:$target/conformance:$junit" org.junit.runner.JUnitCore "${names[@]}"
