#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Fuzz one target with libFuzzer under the address and undefined sanitizers.
#
#   fuzz/run.sh NAME [SECONDS]      fuzz (60 seconds); goes on where the last run of NAME ended
#   fuzz/run.sh --keep NAME         add to fuzz/corpus/NAME the few found inputs that reach new code
#   fuzz/run.sh --build NAME        build the target only
#   fuzz/run.sh --list              the targets
#
# For hours, and many targets: fuzz/campaign.
#
# What was found stays in build-fuzz/corpus/NAME, what crashes in build-fuzz/crashes/NAME-*.
# Exit codes: 0 nothing found; 1 usage; else what libFuzzer says (77: a crash, 70: too slow).
set -eu
cd "$(dirname "$0")/.."
targets() { sed -n "s/^  '\([a-z0-9_]*\)': .*/\1/p" fuzz/meson.build; }
usage() { sed -n '3,13s/^# \{0,1\}//p' fuzz/run.sh; }

keep=false
build=false
case ${1-} in
--list) targets; exit 0 ;;
--keep) keep=true; shift ;;
--build) build=true; shift ;;
''|-h|--help) usage; [ -n "${1-}" ]; exit ;;
esac
name=${1-}
seconds=${2-60}
targets | grep -qx -- "$name" || { echo "run.sh: no target \"$name\"; fuzz/run.sh --list" >&2; exit 1; }

# clang 14 knows fewer warnings than gcc, so warnings are no errors here.
[ -f build-fuzz/build.ninja ] || CC=clang meson setup build-fuzz -Dfuzzing=true \
	-Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debugoptimized >/dev/null
ninja -C build-fuzz "fuzz/fuzz_$name" >build-fuzz/build.log || { tail -n 30 build-fuzz/build.log >&2; exit 2; }
$build && exit
mkdir -p "build-fuzz/corpus/$name" build-fuzz/crashes
if $keep; then
	exec "build-fuzz/fuzz/fuzz_$name" -merge=1 "fuzz/corpus/$name" "build-fuzz/corpus/$name"
fi
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export ASAN_OPTIONS=quarantine_size_mb=16
exec "build-fuzz/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2500 \
	-max_len=1048576 -print_final_stats=1 -artifact_prefix="build-fuzz/crashes/$name-" \
	"build-fuzz/corpus/$name" "fuzz/corpus/$name"
