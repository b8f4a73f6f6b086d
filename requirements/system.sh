#!/bin/sh
# Install the system packages that the tests need and that are missing: system.sh | system.sh --package NAME...
#
# As root through apt; otherwise an error that names them. The package lists are read anew only if something is missing.
set -eu

missing=""
if [ "${1:-}" = --package ]; then
    shift
    missing=" $*"
else
    PATH="$PATH:/usr/sbin:/sbin"  # where nginx lives; not on every user's path
    while read -r program package; do
        command -v "$program" >/dev/null 2>&1 || missing="$missing $package"
    done <<'LIST'
nginx nginx-light
openssl openssl
LIST
fi
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "system: missing packages:$missing" >&2
    echo "system: expected them to be installed; as root: apt-get install$missing" >&2
    exit 2
fi
export DEBIAN_FRONTEND=noninteractive
echo "system: installing$missing"
apt-get update -qq
# shellcheck disable=SC2086  # one word a package
apt-get install -y -qq --no-install-recommends $missing >/dev/null
