#!/usr/bin/env python3
"""What a relayed RTP packet costs with many calls: CPU time, added latency and loss, beside rtpengine and a bare relay.

Each row is a relay in a process of its own on core 0 and the ends of all calls in another on core 1: a packet of
20 ms of recorded speech in each direction of every call, each call with ports of its own. CPU time is that of all the
relay's threads (/proc/PID/task/*/schedstat) over the packets that came through; latency is that between the call that
sends a packet and the one that receives it, with the relay in between. Arrivals are bunched (all that is due within
1 ms at once, as network cards coalesce them) or even (one by one). Every round runs every row once; medians are told.

  cargo build --release -p squelch-suite --example density
  cargo build --release --bin squelch
  python3 benches/density/run.py            # some twenty minutes
  python3 benches/density/run.py --quick    # below five
  python3 benches/density/run.py --smoke    # seconds: a few calls, to see that it runs; no figure is told

Needs taskset; rtpengine (Debian: rtpengine-daemon) has its rows left out where it is not here. Run as root it gives the
relay and the ends the highest priority that is not real-time. Nothing leaves 127.0.0.0/8.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rtpengine  # noqa: E402
import sip  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]

# The row's name, what relays, what the ends send.
ROWS = {
    "bare epoll relay": (["relay", "unconnected"], []),
    "bare epoll relay, connected sockets": (["relay", "connected"], []),
    "squelch, payloads that the guard passes by": (["gateway", "plain"], ["--events"]),
    "squelch, silence": (["gateway", "plain"], ["--silence"]),
    "squelch": (["gateway", "plain"], []),
    "squelch, calls set up by SIP": (["serve"], []),
    "squelch, PCMU to PCMA and back": (["gateway", "transcode"], ["--transcode"]),
    "squelch, SRTP to RTP and back": (["gateway", "carrier-srtp"], ["--carrier-srtp"]),
    "squelch, SRTP on both legs": (["gateway", "srtp"], ["--srtp"]),
    "rtpengine": (["rtpengine", "PCMU"], []),
    "rtpengine, PCMU to PCMA and back": (["rtpengine", "PCMA"], ["--transcode"]),
}
FLOOR, PEER, OWN = "bare epoll relay, connected sockets", "rtpengine", "squelch"
QUICK = [FLOOR, "squelch, payloads that the guard passes by", "squelch, silence", OWN, "squelch, PCMU to PCMA and back",
         "squelch, SRTP on both legs", PEER]  # fmt: skip
SQUELCH_ROWS = [name for name in ROWS if name.startswith("squelch")]


def pinned(core, command):
    """The command on one core, before all else that is not real-time."""
    first = ["nice", "-n", "-20"] if os.geteuid() == 0 else []
    cores = ["taskset", "-c", str(core)] if len(os.sched_getaffinity(0)) > 1 else []
    return [*first, *cores, *map(str, command)]


class Relay:
    """One of our own that prints its ports, and ends when its input does."""

    def __init__(self, command):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(pinned(0, command), stdin=pipe, stdout=pipe, text=True)
        self.pid, self.ports = self.process.pid, []
        for line in self.process.stdout:
            if line.strip() == "ready":
                return
            self.ports.append(line.strip())
        sys.exit(f"{' '.join(map(str, command))} ended by itself")

    def stop(self):
        self.process.stdin.close()
        self.process.wait(20)


def start(how, calls, options, folder):
    kind, *rest = how
    if kind == "rtpengine":
        return rtpengine.Relay(pinned, calls, rest[0], folder)
    if kind == "serve":
        return sip.Relay(pinned, options.squelch.resolve(), calls, folder)
    return Relay([options.density, kind, calls, *rest])


def measure(name, calls, seconds, bunch_us, options):
    how, sends = ROWS[name]
    with tempfile.TemporaryDirectory(prefix="density-") as folder:
        relay = start(how, calls, options, pathlib.Path(folder))
        try:
            table = pathlib.Path(folder) / "ports"
            table.write_text("".join(f"{line}\n" for line in relay.ports))
            time.sleep(0.5)
            load = [options.density, "load", table, "--pid", relay.pid, "--seconds", seconds]
            load += ["--bunch-us", bunch_us, *sends]
            done = subprocess.run(pinned(1, load), capture_output=True, text=True, timeout=seconds + 60)
        finally:
            relay.stop()
    if done.returncode:
        sys.exit(f"{name}: {done.stderr}")
    return json.loads(done.stdout)


def table(title, got, names, floor, peer):
    print(f"\n{title}\n")
    print("| | CPU us a packet | x bare | x rtpengine | of a core | added p50 us | p99 us | lost |")
    print("|---|---|---|---|---|---|---|---|")
    for name in names:
        runs = got.get(name)
        if not runs:
            continue
        middle = lambda key: statistics.median(run[key] for run in runs)  # noqa: E731
        cpu = middle("cpu_us_per_packet")
        ratio = lambda other: f"{cpu / other:.2f}" if other else "-"  # noqa: E731
        lost = max(run["lost"] for run in runs) / max(1, runs[0]["sent"])
        shown = "0" if lost == 0 else f"{lost:.3%}"
        print(
            f"| {name} | {cpu:.2f} | {ratio(floor)} | {ratio(peer)} | {middle('core_percent'):.0f} % "
            f"| {middle('p50_us'):.0f} | {middle('p99_us'):.0f} | {shown} |"
        )


def series(title, names, calls, bunch_us, rounds, seconds, options):
    got = {}
    for number in range(rounds):
        for name in names:
            print(f"{title}, round {number + 1}: {name}", file=sys.stderr)
            run = measure(name, calls, seconds, bunch_us, options)
            if run["wrong"] and not name.startswith("rtpengine"):
                print(f"{name}: {run['wrong']} packets of the first call came back wrong", file=sys.stderr)
            got.setdefault(name, []).append(run)
    median = lambda name: (  # noqa: E731
        statistics.median(run["cpu_us_per_packet"] for run in got[name]) if name in got else None
    )
    table(title, got, names, median(FLOOR), median(PEER))
    return got


def memory(calls, options):
    """Resident memory that a call adds, without what the kernel keeps for its sockets."""
    few = measure(OWN, 10, 1, 1000, options)["rss_kb"]
    return (measure(OWN, calls, 1, 1000, options)["rss_kb"] - few) / (calls - 10)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser.add_argument("--density", type=pathlib.Path, default=target / "release/examples/density")
    parser.add_argument("--squelch", type=pathlib.Path, default=target / "release/squelch")
    parser.add_argument("--calls", type=int, default=1000, help="calls of the main tables (default 1000)")
    parser.add_argument("--seconds", type=int, default=8, help="how long each row is measured (default 8)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; medians are told (default 3)")
    parser.add_argument("--quick", action="store_true", help="fewer rows, one round of 4 s")
    parser.add_argument("--smoke", action="store_true", help="20 calls a row for a second, to see that it runs")
    options = parser.parse_args()
    if shutil.which("taskset") is None:
        sys.exit("taskset is not here; Debian's package is util-linux")
    if not options.density.exists():
        sys.exit(f"{options.density} is not here: cargo build --release -p squelch-suite --example density")
    names = QUICK if options.quick else list(ROWS)
    if not options.squelch.exists():
        print(f"{options.squelch} is not here: the row by SIP is left out", file=sys.stderr)
        names = [name for name in names if ROWS[name][0][0] != "serve"]
    if shutil.which("rtpengine") is None:
        print("rtpengine is not here: its rows are left out", file=sys.stderr)
        names = [name for name in names if ROWS[name][0][0] != "rtpengine"]
    if options.smoke:
        for name in names:
            run = measure(name, 20, 1, 1000, options)
            print(f"{name}: {run['sent']} sent, {run['lost']} lost, {run['wrong']} wrong")
            # A busy machine may lose some; a relay that does not work loses all.
            ours = not name.startswith("rtpengine")
            if run["lost"] * 2 > run["sent"] or (ours and run["wrong"]):
                sys.exit(1)
        return
    rounds, seconds = (1, 4) if options.quick else (options.rounds, options.seconds)
    calls = options.calls
    series(f"{calls} calls, arrivals bunched by 1 ms", names, calls, 1000, rounds, seconds, options)
    few = [FLOOR, OWN, PEER] if options.quick else [name for name in names if name in (FLOOR, OWN, PEER)]
    few = [name for name in few if name in names]
    series(f"{calls} calls, arrivals spread evenly", few, calls, 0, rounds, seconds, options)
    transcoding = [name for name in names if "PCMA" in name or name in (FLOOR, PEER, OWN)]
    if not options.quick:
        series("200 calls, arrivals bunched by 1 ms", transcoding, 200, 1000, rounds, seconds, options)
    series("2,500 calls, arrivals bunched by 0.2 ms", few, 2500, 200, rounds, seconds, options)
    print(f"\nA call takes {memory(calls, options):.1f} KB of resident memory ({calls} calls, plain RTP).")


if __name__ == "__main__":
    main()
