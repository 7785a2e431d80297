#!/bin/sh
# Fetches Debian's static busybox and bash for riscv64 and arranges a directory that the machine can take as its root:
#
#   guest/fetch-root.sh DIR        then:  npx tsx src/boot.ts --cpus 4 --root DIR /bin/sh
#
# It uses the host's own apt client, its mirror and its keys, in a folder of its own: nothing of the host's package state is touched.
# Needs apt-get, dpkg-deb and the network. What is fetched belongs to Debian and is not part of this project.
set -eu

SUITE=trixie
PACKAGES="busybox-static bash-static"
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

say() { echo "fetch-root: $*" >&2; }
fail() { say "$*"; exit 1; }

[ $# -eq 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
root=$1
[ ! -e "$root/bin/busybox" ] || { say "$root is there already"; exit 0; }
here=$(cd "$(dirname "$0")/.." && pwd)
for tool in apt-get dpkg-deb; do
  command -v $tool >/dev/null || fail "$tool is missing: this needs a Debian host"
done
[ -f $KEYRING ] || fail "$KEYRING is missing: install debian-archive-keyring"

# The first Debian mirror of the host's own sources, in either of apt's formats.
mirror=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
  awk '/^URIs:/ { for (i = 2; i <= NF; i++) if ($i ~ /\/debian\/?$/) { print $i; exit } }')
[ -n "$mirror" ] || mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
  awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^https?:.*\/debian\/?$/) { print $i; exit } }')
[ -n "$mirror" ] || fail "the host's apt sources name no Debian mirror"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
cat >"$work/debian.sources" <<END
Types: deb
URIs: $mirror
Suites: $SUITE
Components: main
Architectures: riscv64
Signed-By: $KEYRING
END
apt() {
  apt-get -qq -o APT::Architecture=riscv64 -o APT::Architectures::=riscv64 -o APT::Sandbox::User="$(id -un)" \
    -o Acquire::Languages=none -o Acquire::Retries=2 -o Acquire::http::Timeout=20 \
    -o Dir::Etc::sourcelist="$work/debian.sources" -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
    -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o Dir::State::status=/dev/null "$@"
}
say "reading the package lists of $SUITE/riscv64"
apt update || fail "the package lists of $SUITE/riscv64 cannot be had"
say "fetching $PACKAGES"
# shellcheck disable=SC2086
(cd "$work" && apt download $PACKAGES) || fail "$PACKAGES cannot be had"

mkdir -p "$work/files"
for package in "$work"/*.deb; do
  dpkg-deb -x "$package" "$work/files"
done
find_program() { find "$work/files" -type f -path "*bin/$1" | head -n 1; }
busybox=$(find_program busybox)
bash=$(find_program bash-static)
[ -n "$busybox" ] && [ -n "$bash" ] || fail "the packages do not hold what was expected"

mkdir -p "$root"
for directory in bin dev etc home proc root tmp usr/share/doc var/log var/run; do
  mkdir -p "$root/$directory"
done
chmod 1777 "$root/tmp"
cp "$bash" "$root/bin/bash"
for package in $PACKAGES; do
  [ ! -d "$work/files/usr/share/doc/$package" ] || cp -r "$work/files/usr/share/doc/$package" "$root/usr/share/doc/"
done
cat >"$root/etc/passwd" <<'END'
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/:/bin/false
user:x:1000:1000:user:/home:/bin/sh
END
cat >"$root/etc/group" <<'END'
root:x:0:
daemon:x:1:
user:x:1000:
END
echo hartbeat >"$root/etc/hostname"
cat >"$root/etc/profile" <<'END'
export PATH=/bin:/hartbeat/bin
export PS1='\u@hartbeat:\w\$ '
END

# The machine itself tells which programs its busybox is.
say "asking busybox for its applets"
(cd "$here" && npx tsx src/boot.ts --cpus 1 "$busybox" --list) >"$work/applets" || fail "busybox does not run"
cp "$busybox" "$root/bin/busybox"
while read -r applet; do
  case $applet in
    bash | busybox | '' | *[!a-zA-Z0-9_[.+-]*) ;;
    *) [ -e "$root/bin/$applet" ] || [ -L "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet" ;;
  esac
done <"$work/applets"
say "$root: $(find "$root/bin" | wc -l) names in bin; try: npx tsx src/boot.ts --root $root /bin/sh"
