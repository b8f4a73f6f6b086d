#!/bin/sh
# Install the previous majors of the official SDKs, for the end-to-end suite, into an environment of their own.
#
# Needs the project's .venv, whose pip fills it. Does nothing when the stamp in it names the same lock.
set -eu
cd "$(dirname "$0")/.."

lock=requirements/sdk-previous.lock
place=tests/e2e/previous/.venv
stamp() { cat requirements/previous.sh "$lock" | sha256sum | cut -d' ' -f1; }

if [ "$(cat "$place/.seawall" 2>/dev/null || true)" = "$(stamp)" ] && "$place/bin/python" -c '' 2>/dev/null; then exit 0; fi

echo "previous: installing $lock"
rm -rf "$place"
.venv/bin/python -m venv --without-pip "$place"
.venv/bin/python -m pip --disable-pip-version-check --no-input --python "$place/bin/python" \
    install -qq --require-hashes --no-deps -r "$lock"
stamp > "$place/.seawall"
