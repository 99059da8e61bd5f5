#!/usr/bin/env bash
# Runs the tests of squelch-g711, whose kernels are the project's unsafe code, under AddressSanitizer (all kernels of
# this machine) and under Miri (scalar and AVX2; it knows too little of AVX-512). Both need a nightly toolchain.
set -euo pipefail
cd "$(dirname "$0")/.."

rustup toolchain list | grep -q ^nightly || rustup toolchain install nightly --profile minimal
cargo +nightly miri --version >/dev/null 2>&1 || rustup component add --toolchain nightly miri rust-src
host=$(rustc -vV | sed -n 's/^host: //p')

echo "-- AddressSanitizer"
CARGO_TARGET_DIR=target/asan RUSTFLAGS=-Zsanitizer=address \
  cargo +nightly test --package squelch-g711 --lib --target "$host"

echo "-- Miri, scalar"
CARGO_TARGET_DIR=target/miri cargo +nightly miri test --package squelch-g711 --lib
if [[ $host == x86_64-* ]]; then
  echo "-- Miri, AVX2"
  CARGO_TARGET_DIR=target/miri RUSTFLAGS="-C target-feature=+avx2" \
    cargo +nightly miri test --package squelch-g711 --lib -- kernels score
fi
