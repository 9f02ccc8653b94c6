#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# test_truth.sh SHARED EYRIE: what larger dumps say compared with what the crash utility said of
# them, where they lie beside the project. Exit status: 0 everything right, 1 not, 77 no dumps.
score=$1/tools/score_vmcore.py
if [ ! -f "$score" ] || [ ! -d "$1/corpus/vmcores" ]; then
	echo "skipped: no dumps in $1/corpus/vmcores"
	exit 77
fi
out=$(/usr/bin/python3 "$score" --eyrie "$2" 2>&1)
printf '%s\n' "$out"
case $out in
*"everything right"*) exit 0 ;;
esac
exit 1
