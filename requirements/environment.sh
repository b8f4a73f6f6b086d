#!/bin/sh
# Create .venv, or mend it, and install what one lock names: environment.sh core|dev
#
# Runs on a Debian or Ubuntu where python3 may lack venv and ensurepip. Does nothing when the stamp in .venv names the
# same locks; a .venv that does not start, or was copied from another folder, is built anew.
set -eu
cd "$(dirname "$0")/.."

kind=${1:?usage: environment.sh core|dev}
locks="requirements/build.lock requirements/$kind.lock"
for lock in $locks; do
    [ -f "$lock" ] || { echo "environment: $lock is missing; expected it beside this script" >&2; exit 2; }
done

hash_of() {
    cat requirements/environment.sh pyproject.toml requirements/build.lock "requirements/$1.lock" | sha256sum | cut -d' ' -f1
}
stamped() { [ "$(cat ".venv/.seawall-$1" 2>/dev/null || true)" = "$(hash_of "$1")" ]; }
is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
works() { is_new_enough .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; }

# A copied or moved folder keeps the paths of the old one, which the first lines of an entry show.
is_ours() { [ -x .venv/bin/seawall ] && head -n 3 .venv/bin/seawall | grep -qF "$PWD/.venv/bin/"; }

if stamped "$kind" && works && is_ours; then exit 0; fi

find_python() {
    for candidate in "${PYTHON:-}" python3 python3.13 python3.14 python3.12 python3.11; do
        [ -n "$candidate" ] || continue
        if is_new_enough "$candidate"; then echo "$candidate"; return; fi
    done
    echo "environment: no Python 3.11 or newer found as \$PYTHON, python3, python3.13, python3.14, python3.12 or python3.11" >&2
    echo "environment: expected one; on Debian 12, Ubuntu 24.04 or newer: apt-get install python3" >&2
    exit 2
}

# Three ways, because a distribution may split what upstream ships as one: the module itself; the system's pip, which can
# fill an environment that has none; the distribution's venv package, which needs root.
make_venv() {
    python=$1
    rm -rf .venv
    if "$python" -m venv .venv >/dev/null 2>&1 && works; then return; fi
    rm -rf .venv
    if "$python" -m pip --version >/dev/null 2>&1 && "$python" -m venv --without-pip .venv >/dev/null 2>&1 \
        && "$python" -m pip --python .venv/bin/python install -qq --require-hashes -r requirements/build.lock && works; then return; fi
    rm -rf .venv
    package="python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "environment: installing $package, which $python needs to make an environment"
        sh requirements/system.sh --package "$package"
        "$python" -m venv .venv && works && return
        rm -rf .venv
    fi
    echo "environment: $python cannot make an environment; expected its venv and ensurepip modules" >&2
    echo "environment: as root: apt-get install $package" >&2
    exit 2
}

if ! works || { [ -e .venv/bin/seawall ] && ! is_ours; }; then
    python=$(find_python)
    echo "environment: making .venv with $("$python" --version 2>&1)"
    make_venv "$python"
fi

rm -f ".venv/.seawall-$kind"
pip() { .venv/bin/python -m pip --disable-pip-version-check --no-input "$@"; }
for lock in $locks; do
    echo "environment: installing $lock"
    pip install -qq --require-hashes --no-deps -r "$lock"
done
# Without dependencies and without build isolation: nothing reaches this environment but what a lock has a hash for.
pip install -qq --no-index --no-deps --no-build-isolation --editable .
pip check >/dev/null || { pip check; exit 1; }
for done in "$kind" core; do hash_of "$done" > ".venv/.seawall-$done"; done  # the dev lock holds all of the core's
