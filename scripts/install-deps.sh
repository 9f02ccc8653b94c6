#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Install the Debian packages that Eyrie needs and this machine does not have.
#
#   scripts/install-deps.sh [--list] [build] [run] [test] [lab]
#
# With no words: build, run and test. --list prints what is missing and installs nothing.
# Quiet when there is nothing to do. Only root can install; others are told what to ask for.
# Exit codes: 0 done (with --list: nothing missing); 1 usage or packages missing and not root;
# 3 the packages could not be had.
set -eu

# To compile the programs, the console and the man pages.
build="build-essential meson ninja-build pkg-config git ca-certificates python3 re2c lowdown
 libexpat1-dev libjansson-dev libinih-dev libcurl4-openssl-dev libmicrohttpd-dev libgnutls28-dev libarchive-dev libsqlite3-dev libpq-dev libsodium-dev
 libzstd-dev liblzma-dev liblzo2-dev libsnappy-dev zlib1g-dev libdeflate-dev libseccomp-dev libcapstone-dev
 libcmocka-dev nodejs npm"
# For ./quickstart: a real SMTP server, and curl to ask the console whether it answers.
run="python3 python3-aiosmtpd curl"
# For ./check: schemas, a browser, the sanitizers' and fuzzers' run-time library, linters, and guests
# to crash.
test="python3 python3-jsonschema python3-aiosmtpd chromium clang libclang-rt-14-dev clang-format
 clang-tidy sqlite3 postgresql haproxy python3-swift rpm curl procps qemu-system-x86 busybox-static kexec-tools makedumpfile debuginfod"
# For bench/: what Eyrie is compared with.
lab="crash python3-drgn cpio"

list=false
words=
for word; do
	case $word in
	--list) list=true ;;
	build|run|test|lab) words="$words $word" ;;
	-h|--help) sed -n '3,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
	*) echo "install-deps.sh: no list \"$word\"; there are build, run, test and lab" >&2; exit 1 ;;
	esac
done

# Whether a package (or, for those that people install from elsewhere, its program) is there.
present() {
	case $1 in
	nodejs) command -v node >/dev/null && return 0 ;;
	npm|chromium) command -v "$1" >/dev/null && return 0 ;;
	esac
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=
for word in ${words:-build run test}; do
	eval "packages=\$$word"
	for package in $packages; do
		case " $missing " in *" $package "*) continue ;; esac
		present "$package" || missing="$missing $package"
	done
done
missing=${missing# }
[ -n "$missing" ] || exit 0

if $list; then
	echo "$missing"
	exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "install-deps.sh: these packages are missing and only root can install them; please run:
  sudo apt-get install --no-install-recommends $missing" >&2
	exit 1
fi

count=$(echo "$missing" | wc -w)
echo "install: $count Debian packages are missing: $missing"
log=$(mktemp /tmp/eyrie-install.XXXXXX)
export DEBIAN_FRONTEND=noninteractive
# Lists older than the mirror name package files that are gone, so a failure is tried once more
# with fresh lists.
get() {
	# shellcheck disable=SC2086 # a list of words
	apt-get install -y -q --no-install-recommends -o Dpkg::Use-Pty=0 \
		-o DPkg::Lock::Timeout=300 $missing </dev/null >"$log" 2>&1
}
# A line from time to time, so that nobody thinks it hangs.
progress() {
	while sleep 15 >/dev/null 2>&1; do
		echo "install: $(grep -c '^Setting up' "$log" || :) packages set up, last: $(
			tail -n 1 "$log" | cut -c 1-100)"
	done
}
progress &
ticker=$!
trap 'kill $ticker 2>/dev/null || :' EXIT
get || { apt-get update -q </dev/null >>"$log" 2>&1 && get; } || {
	tail -n 15 "$log" >&2
	echo "install-deps.sh: apt-get could not install them (whole log: $log); is a Debian mirror reachable?" >&2
	exit 3
}
rm -f "$log"
for package in $missing; do
	present "$package" || { echo "install-deps.sh: $package is still missing" >&2; exit 3; }
done
echo "install: done"
