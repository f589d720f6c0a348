#!/usr/bin/env bash
# Makes .venv ready: `scripts/setup.sh demo` installs what the demo needs, `scripts/setup.sh test` what the tests need.
# Safe to repeat and to interrupt: what is there already is kept, what is broken or stale is made anew.
set -euo pipefail
cd "$(dirname "$0")/.."

purpose=${1:?usage: scripts/setup.sh demo|test}
case "$purpose" in
  demo) extras=emulator,engine,msodbc; libraries="unixodbc:libodbc.so.2"; wishes="" ;;
  test) extras=dev; libraries="unixodbc:libodbc.so.2 tdsodbc:libtdsodbc.so"; wishes="browser kerberos postgresql psqlodbc redis" ;;
  *) echo "setup: unknown purpose '$purpose'; use demo or test" >&2; exit 2 ;;
esac

say() { printf 'setup: %s\n' "$1" >&2; }

# System packages --------------------------------------------------------------------------------------------------

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo -n "$@"
  else return 1
  fi
}

apt_install() {
  command -v apt-get >/dev/null || return 1
  say "installing the system package(s) $* with apt"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null 2>&1 && return 0
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >/dev/null 2>&1 || return 1
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null 2>&1
}

has_library() {
  { ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null; } | grep -qF "$1" && return 0
  find /usr/lib /usr/lib64 /usr/local/lib /opt -maxdepth 4 -name "$1*" -print -quit 2>/dev/null | grep -q .
}

missing=()
for entry in $libraries; do
  has_library "${entry#*:}" || missing+=("${entry%%:*}")
done
if [ ${#missing[@]} -gt 0 ]; then
  apt_install "${missing[@]}" || {
    say "missing system package(s): ${missing[*]}. Install them (Debian, Ubuntu: sudo apt-get install ${missing[*]}) and run this again."
    exit 1
  }
fi

# Without these, the tests that need them are skipped, and say so.
system_path=/usr/sbin:/sbin:$(echo /usr/lib/postgresql/*/bin | tr ' ' :)
for wish in $wishes; do
  wish_library=""
  case "$wish" in
    browser) packages="chromium"; programs="chromium" ;;
    postgresql) packages="postgresql"; programs="initdb" ;;
    psqlodbc) packages="odbc-postgresql"; programs=""; wish_library="psqlodbcw.so" ;;
    redis) packages="redis-server"; programs="redis-server" ;;
    kerberos)
      packages="krb5-kdc krb5-admin-server krb5-user libkrb5-dev gcc python3-dev"
      programs="krb5kdc kadmin.local kinit krb5-config gcc python3-config"
      ;;
  esac
  is_there=yes
  for program in $programs; do
    PATH="$PATH:$system_path" command -v "$program" >/dev/null || is_there=
  done
  if [ -n "$wish_library" ]; then has_library "$wish_library" || is_there=; fi
  if [ -n "$is_there" ] || apt_install $packages; then
    if [ "$wish" = kerberos ]; then extras="$extras,emulator-kerberos"; fi
  else
    say "no $wish: its tests will be skipped (Debian, Ubuntu: sudo apt-get install $packages)"
  fi
done

# Virtual environment ----------------------------------------------------------------------------------------------

base_python=""
for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3; do
  [ -n "$candidate" ] && command -v "$candidate" >/dev/null || continue
  if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null; then
    base_python=$candidate
    break
  fi
done
[ -n "$base_python" ] || { say "no Python 3.11 or later found. Install one (Debian 12: sudo apt-get install python3 python3-venv)."; exit 1; }

python=.venv/bin/python
if ! "$python" -m pip --version >/dev/null 2>&1; then
  say "making .venv with $("$base_python" --version)"
  rm -rf .venv
  "$base_python" -m venv .venv >/dev/null 2>&1 || {
    rm -rf .venv
    apt_install python3-venv && "$base_python" -m venv .venv
  } || { rm -rf .venv; say "cannot make a virtual environment. Install python3-venv and run this again."; exit 1; }
fi

# The stamp holds what was installed and from which versions, so that a second run has nothing to do.
stamp=.venv/.installed-$extras
wanted=$(cat pyproject.toml constraints.txt | sha256sum | cut -d' ' -f1)
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
  say "installing the package with [$extras] and the locked versions (a few minutes when nothing is cached)"
  "$python" -m pip install -qq --disable-pip-version-check --constraint constraints.txt --editable ".[$extras]"
  printf '%s' "$wanted" > "$stamp"
fi
