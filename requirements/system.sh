#!/bin/sh
# Install the system packages that are missing: system.sh test|bench|torture, or system.sh --package NAME...
#
# As root through apt; otherwise an error that names them. The package lists are read anew only if something is missing.
set -eu

# Pairs: the program or file that shows that it is there, and the package that brings it.
case ${1:-} in
    test) wanted="" ;; # nothing so far: Node comes from a wheel, certificates are made in Python
    bench) wanted="cc=gcc /usr/include/stdio.h=libc6-dev nginx=nginx-light" ;;
    torture) wanted="cc=gcc /usr/include/stdio.h=libc6-dev" ;;
    --package) wanted="" ;;
    *) echo "usage: system.sh test|bench|torture | --package NAME..." >&2 && exit 2 ;;
esac

missing=""
if [ "$1" = --package ]; then
    shift
    missing=" $*"
fi
PATH="$PATH:/usr/sbin:/sbin" # where servers live; not on every user's path
for pair in $wanted; do
    command -v "${pair%=*}" >/dev/null 2>&1 || [ -e "${pair%=*}" ] || missing="$missing ${pair#*=}"
done
[ -n "${missing# }" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "system: missing packages:$missing" >&2
    echo "system: expected them to be installed; as root: apt-get install$missing" >&2
    exit 2
fi

echo "system: installing$missing"
export DEBIAN_FRONTEND=noninteractive
# A server that is only measured must not begin to serve the machine: Debian asks this file before it starts one.
if [ ! -e /usr/sbin/policy-rc.d ]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
fi
apt-get update -qq
# shellcheck disable=SC2086  # one word a package
apt-get install -y -qq --no-install-recommends $missing >/dev/null
