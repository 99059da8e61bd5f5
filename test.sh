#!/usr/bin/env bash
# Runs every test of squelch: units, properties, stories, documentation examples, `inspect` against
# Wireshark, `convert` against sox, ffmpeg and opus-tools, and calls through the binary between SIPp, baresip
# and Kamailio (tests/peers).
#
# What the tests lack is installed: Debian packages where this runs as root with apt-get, Python
# packages in target/venv. Where that may not be, what is skipped is said, and said again at the end.
# With CI set, anything skipped is a failure.
set -uo pipefail
cd "$(dirname "$0")" || exit 2

target=${CARGO_TARGET_DIR:-target}
python=$target/venv/bin/python
features=()
failed=()
skipped=()

main() {
  install_packages
  make_venv
  if pkg-config --exists opus 2>/dev/null || has cmake; then
    features=(--features squelch/opus)
  else
    skip "tests of the opus feature: neither libopus-dev nor cmake is here"
  fi

  if has cargo-nextest; then
    run "tests" cargo nextest run --workspace --no-fail-fast "${features[@]}"
  else
    run "tests" cargo test --workspace --all-targets --no-fail-fast "${features[@]}"
  fi
  run "documentation examples" cargo test --workspace --doc "${features[@]}"

  if ! has python3 || ! has tshark; then
    skip "squelch inspect against tshark: python3 or tshark is not here"
  else
    run "squelch inspect against tshark" \
      timeout 300 python3 tests/peers/inspect_vs_tshark.py "$squelch" pcap-samples
  fi
  converted
  peers
  report
}

# What the tests' build left there.
squelch=$target/debug/squelch

# Files that other programs wrote and read.
converted() {
  local lacking=()
  local program
  for program in python3 sox ffmpeg opusenc opusdec; do
    has "$program" || lacking+=("$program")
  done
  if [ ${#features[@]} -eq 0 ]; then
    skip "squelch convert against other programs: built without Opus"
  elif [ ${#lacking[@]} -gt 0 ]; then
    skip "squelch convert against other programs: not here: ${lacking[*]}"
  else
    run "squelch convert against sox, ffmpeg and opus-tools" \
      timeout 300 python3 tests/peers/convert_vs_others.py "$squelch"
  fi
}

# Calls between real SIP programs: at most eight minutes.
peers() {
  local lacking=()
  local program
  for program in "${peer_programs[@]}"; do
    has "$program" || lacking+=("$program")
  done
  "$python" -c 'import numpy' 2>/dev/null || lacking+=("numpy (in $target/venv)")
  if [ ${#lacking[@]} -gt 0 ]; then
    skip "calls between SIPp, baresip and Kamailio: not here: ${lacking[*]}"
  elif ! unshare --net true 2>/dev/null && ! unshare --net --user --map-root-user true 2>/dev/null; then
    skip "calls between SIPp, baresip and Kamailio: no network namespace can be made here"
  else
    "$python" -c 'import pesq' 2>/dev/null || skip "PESQ of those calls: the Python package pesq could not be built"
    run "calls between SIPp, baresip and Kamailio" timeout 480 "$python" tests/peers/run.py "$squelch"
  fi
}

peer_programs=(sipp baresip kamailio dumpcap tshark openssl unshare)

install_packages() {
  local wanted=()
  has sipp || wanted+=(sip-tester)
  has baresip || wanted+=(baresip-core)
  has kamailio && compgen -G "/usr/lib/*/kamailio/modules/tls.so" >/dev/null || wanted+=(kamailio kamailio-tls-modules)
  # What our SRTP is held to.
  [ -e /usr/include/srtp2/srtp.h ] || wanted+=(libsrtp2-dev gcc libc6-dev)
  has tshark && has dumpcap || wanted+=(tshark)
  has openssl || wanted+=(openssl)
  # What shares of one load test meet at.
  has nats-server || wanted+=(nats-server)
  has sox || wanted+=(sox)
  has ffmpeg || wanted+=(ffmpeg)
  has opusenc && has opusdec || wanted+=(opus-tools)
  has pkg-config && pkg-config --exists opus || has cmake || wanted+=(pkg-config libopus-dev)
  has python3 && python3 -c 'import ensurepip, venv' 2>/dev/null || wanted+=(python3 python3-venv)
  # What pesq is built against.
  has python3 && python3 -c "$python_headers" 2>/dev/null || wanted+=(python3-dev)
  [ ${#wanted[@]} -gt 0 ] || return 0
  if ! has apt-get || [ "$(id -u)" -ne 0 ]; then
    echo "not installed: ${wanted[*]} (needs root and apt-get)"
    return 0
  fi
  echo "installing: ${wanted[*]}"
  local apt=(apt-get -qq -o Acquire::Retries=3)
  export DEBIAN_FRONTEND=noninteractive
  if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${wanted[@]}"; } >/dev/null; then
    echo "not installed: ${wanted[*]} (apt-get failed)"
  fi
}

python_headers='import os, sysconfig; os.stat(os.path.join(sysconfig.get_path("include"), "Python.h"))'

make_venv() {
  local wanted=tests/peers/requirements.txt
  has python3 || return 0
  cmp -s "$wanted" "$target/venv/installed.txt" && return 0
  mkdir -p "$target"
  python3 -m venv "$target/venv" || return 0
  local pip=("$python" -m pip install --quiet --disable-pip-version-check)
  if "${pip[@]}" -r "$wanted"; then
    cp "$wanted" "$target/venv/installed.txt"
  else
    # pesq is built from C; without it the calls are still judged by correlation.
    grep -v ^pesq "$wanted" >"$target/venv/without-pesq.txt"
    "${pip[@]}" -r "$target/venv/without-pesq.txt" || true
  fi
}

has() {
  command -v "$1" >/dev/null
}

run() {
  local name=$1 start=$SECONDS
  shift
  echo "-- $name"
  "$@" || failed+=("$name")
  echo "-- $name: $((SECONDS - start)) s"
}

skip() {
  skipped+=("$1")
  echo "skipped: $1"
}

report() {
  local line
  for line in "${skipped[@]}"; do echo "skipped: $line"; done
  for line in "${failed[@]}"; do echo "FAILED: $line"; done
  [ ${#failed[@]} -eq 0 ] || exit 1
  if [ -n "${CI:-}" ] && [ ${#skipped[@]} -gt 0 ]; then
    echo "FAILED: nothing may be skipped where CI is set"
    exit 1
  fi
}

main "$@"
