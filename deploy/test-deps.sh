#!/bin/sh
# Gets what the tests need beyond Python through the system's packages: Mosquitto, promtool, Chromium
# and libfaketime.
# As root or with a sudo that asks nothing it installs them and says so; else it names the command and exits 2.
set -eu

missing=""
command -v mosquitto >/dev/null 2>&1 || [ -x /usr/sbin/mosquitto ] || missing="$missing mosquitto"
command -v promtool >/dev/null 2>&1 || missing="$missing prometheus"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v faketime >/dev/null 2>&1 || missing="$missing faketime"
[ -z "$missing" ] && exit 0

install="apt-get install -y --no-install-recommends$missing"
if ! command -v apt-get >/dev/null 2>&1; then
    echo "The tests need these programs:$missing. Install them with your system's package manager." >&2
    exit 2
fi
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo"
else
    echo "The tests need these programs:$missing. Run: sudo $install" >&2
    exit 2
fi
echo "Installing for the tests, through the system's packages:$missing"
$as_root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as_root $install
