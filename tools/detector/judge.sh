#!/usr/bin/env bash
# The figures of docs/DETECTOR.md, by one command: tools/detector/judge.sh SOURCES WORK [SIDE]
#
# SIDE is `judge`, the third, or `last`, the fourth (tools/detector/packages.py).
#
# SOURCES keeps the unpacked packages, WORK the cases made of them (3 GB). Needs what requirements.txt names, and
# Debian's ffmpeg and espeak-ng.
set -euo pipefail
if [ $# -lt 2 ] || [ $# -gt 3 ]; then
  echo "usage: $0 SOURCES WORK [judge|last]" >&2
  exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
sources=$1 work=$2 side=${3:-judge}
detector=(cargo run --quiet --release --manifest-path "$here/../../Cargo.toml" -p squelch-suite --example detector --)

"$here/cases.py" --side "$side" --sources "$sources" --out "$work/judge" --faulty 1000 --clean 1200 --seed 1
"$here/cases.py" --side "$side" --sources "$sources" --out "$work/distinct" --distinct --seed 1
for loss in 0 1 5; do
  echo
  echo "## $loss % of the packets lost"
  "${detector[@]}" verdicts "$work/judge" "$loss" | "$here/figures.py" "$work/judge"
done
echo
echo "## Every second of real sound once"
"${detector[@]}" verdicts "$work/distinct" | "$here/figures.py" "$work/distinct"
for folder in judge distinct; do
  echo
  echo "## Two rules without a model, $folder"
  "${detector[@]}" baselines "$work/$folder" | "$here/figures.py" --baselines "$work/$folder"
done
