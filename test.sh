#!/usr/bin/env bash
# Runs every test of squelch: units, properties, stories, documentation examples.
# What the tests lack is installed where that is allowed; what is skipped is said.
set -euo pipefail
cd "$(dirname "$0")"

features=()
if pkg-config --exists opus 2>/dev/null || command -v cmake >/dev/null; then
  features=(--features squelch/opus)
else
  echo "skipped: tests of the opus feature (neither libopus nor cmake is here)"
fi

if command -v cargo-nextest >/dev/null; then
  cargo nextest run --workspace --no-fail-fast "${features[@]}"
else
  cargo test --workspace --all-targets --no-fail-fast "${features[@]}"
fi
cargo test --workspace --doc "${features[@]}"
